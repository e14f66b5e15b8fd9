// The board at the desk: codes come and go by themselves; without a network it keeps what it
// showed and says since when. No names, no framework, nothing to touch.

const $ = (query, root = document) => root.querySelector(query);
const { location: place, since, ready: readyWords, zone } = document.body.dataset;
const locale = document.documentElement.lang;
const LOOK_EVERY_MS = 30000; // a bell may have been missed
const RETRY_MS = 4000;
const TIMEOUT_MS = 8000;
const RELOAD_AFTER_MS = 6 * 3600 * 1000; // a screen runs for months: it takes a new release with it
const time = (at) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(at);
const begun = Date.now();
let seen = Date.now();
let looking = false;
let again = false;

function codes() { return new Set([...document.querySelectorAll("#ready [data-code]")].map((one) => one.dataset.code)); }
function show(answer) {
  const box = $("#columns");
  if (box.dataset.shows === answer.html) return;
  const before = codes();
  box.innerHTML = answer.html;
  box.dataset.shows = answer.html;
  const fresh = [...document.querySelectorAll("#ready [data-code]")].filter((one) => !before.has(one.dataset.code));
  for (const one of fresh) one.classList.add("is-new");
  if (fresh.length) $("#spoken").textContent = fresh.map((one) => readyWords.replace("%(ticket)s", one.dataset.code)).join(" ");
}
function stale(on) {
  const strip = $("#stale");
  strip.hidden = !on;
  if (on) strip.textContent = since.replace("%(time)s", time(seen));
}
async function look() {
  if (looking) { again = true; return; }
  looking = true;
  try {
    const answer = await fetch(`/api/v1/board/${encodeURIComponent(place)}?html=true`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    seen = Date.now();
    stale(false);
    if (seen - begun > RELOAD_AFTER_MS) location.reload();
  } catch {
    stale(true);
    setTimeout(look, RETRY_MS);
  } finally {
    looking = false;
    if (again) { again = false; look(); }
  }
}
let source;
function listen() {
  source?.close();
  source = new EventSource(`/api/v1/board/${encodeURIComponent(place)}/events`);
  source.addEventListener("changed", look);
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS); });
}
listen();
setInterval(look, LOOK_EVERY_MS);
setInterval(() => { $("#clock").textContent = time(Date.now()); }, 1000);
addEventListener("online", () => { listen(); look(); });
addEventListener("offline", () => stale(true));
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
