// A shared device that nobody touches is locked after the minutes of her role, and emptied at once.
// While a hand is on it the server is told once a minute: it locks by itself what it hears nothing of.

const AFTER_MS = Number(document.body.dataset.lockAfterS) * 1000;
const SAY_EVERY_MS = 60_000;
const LOOK_EVERY_MS = 1000;
const AGAIN_MS = 5000;
const TOUCHED_KEY = "touched"; // a hand on another tab is one on this device
let touched = Date.now();
let said = touched;
let locked = false;

function lock() {
  if (locked) return;
  locked = true;
  document.body.replaceChildren(); // also without a network nothing stays on the glass
  const back = location.pathname;
  const go = () => fetch("/staff/lock", { method: "POST", body: new URLSearchParams({ back }), redirect: "manual" })
    .then(() => location.replace(`/staff?back=${encodeURIComponent(back)}`))
    .catch(() => setTimeout(go, AGAIN_MS));
  go();
}

function touchedAnywhere() {
  try { return Math.max(touched, Math.min(Date.now(), Number(localStorage.getItem(TOUCHED_KEY)))); } catch { return touched; }
}

function look() {
  if (Date.now() - touchedAnywhere() >= AFTER_MS) lock();
}

function used() {
  look(); // a device that slept is locked before the first touch counts
  if (locked) return;
  touched = Date.now();
  try { localStorage.setItem(TOUCHED_KEY, touched); } catch { /* private mode: each tab by itself */ }
  if (touched - said < SAY_EVERY_MS) return;
  said = touched;
  fetch("/staff/awake", { method: "POST" })
    .then((answer) => { if (!answer.ok && answer.status < 500) lock(); }) // it is locked there already
    .catch(() => {}); // the next touch says it again
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) addEventListener(kind, used, { capture: true, passive: true });
addEventListener("visibilitychange", look);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); }); // locked meanwhile, perhaps
setInterval(look, LOOK_EVERY_MS);
