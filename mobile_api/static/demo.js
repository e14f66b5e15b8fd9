// The demo's front page: gives the phone in the frame each new visit of the tablet on show,
// and fits the tablet's ten inches into whatever room there is.

const LOOK_MS = 1000;
const TABLET_WIDTH_PX = 1280;
const stage = document.getElementById("stage");
const tablet = document.getElementById("tablet");
const phone = document.getElementById("phone");
let visit = stage.dataset.visit;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/demo/now", { cache: "no-store" });
    if (!answer.ok) return;
    const now = await answer.json();
    if (now.visit && now.visit !== visit) phone.src = "/demo/phone";
    visit = now.visit || visit;
  } catch { /* the play is over, or the network is away: the next look says */ }
}
if ("playing" in stage.dataset) setInterval(look, LOOK_MS);

if (tablet) {
  const fit = () => tablet.style.setProperty("--fit", tablet.clientWidth / TABLET_WIDTH_PX);
  new ResizeObserver(fit).observe(tablet);
  fit();
}
