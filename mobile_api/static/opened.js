// That somebody reads what a mail led to: told once, at the first thing that a person does here.
// What opens every link of a mail, and may even run this, touches nothing: it tells nothing.

const SIGNS = ["pointerdown", "keydown", "wheel", "touchstart"];
const path = document.querySelector("[data-opened]").dataset.opened;

function tell(event) {
  if (!event.isTrusted || document.visibilityState !== "visible") return;
  for (const sign of SIGNS) removeEventListener(sign, tell);
  fetch(path, { method: "POST", keepalive: true }).catch(() => {}); // offline: then nobody knows
}
for (const sign of SIGNS) addEventListener(sign, tell, { passive: true });
