// The demo's front page: gives the phone in the frame each new visit of the tablet on show,
// and fits tablet and phone, each at its own size, into whatever room there is.

const LOOK_MS = 1000;
const stage = document.getElementById("stage");
const phone = document.getElementById("phone");
let visit = stage.dataset.visit;

// Whoever buys in the frame is not interrupted by the next shopper.
const BUYING = /^\/(checkout|orders|sandbox)/;
function buying() {
  try { return BUYING.test(phone.contentWindow.location.pathname); } catch { return false; }
}

async function look() {
  if (document.hidden || buying()) return;
  try {
    const answer = await fetch("/demo/now", { cache: "no-store" });
    if (!answer.ok) return;
    const now = await answer.json();
    if (now.visit && now.visit !== visit) phone.src = "/demo/phone";
    visit = now.visit || visit;
  } catch { /* the play is over, or the network is away: the next look says */ }
}
if ("playing" in stage.dataset) setInterval(look, LOOK_MS);

const fit = (frame) => frame.style.setProperty("--fit", frame.clientWidth / frame.firstElementChild.offsetWidth);
const resized = new ResizeObserver((entries) => { for (const { target } of entries) fit(target); });
for (const frame of stage.querySelectorAll(".frame")) { fit(frame); resized.observe(frame); }
