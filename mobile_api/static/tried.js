// What was tried on, as it is in stock now: when the shop says that some of it changed, the server
// writes the list anew, in her language. Without this module it is as the page was loaded.

const WATCHED_MAX = 200; // as the server takes
const SETTLE_MS = 300; // once for a burst
const lists = [...document.querySelectorAll("[data-tried]")];
let due;

async function again() {
  const answer = await fetch(lists[0].dataset.tried);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelectorAll("[data-tried]");
  for (const [index, list] of lists.entries()) {
    const now = fresh[index];
    if (!now || now.innerHTML === list.innerHTML) continue;
    const held = list.contains(document.activeElement) ? document.activeElement.dataset.gtin : "";
    list.innerHTML = now.innerHTML;
    if (held) list.querySelector(`[data-gtin="${held}"]`)?.focus();
  }
}

function soon() {
  clearTimeout(due);
  due = setTimeout(() => again().catch(() => {}), SETTLE_MS); // offline: what is there stays
}

const gtins = new Set(lists.flatMap((list) => [...list.querySelectorAll("[data-gtin]")].map((one) => one.dataset.gtin)));
if (gtins.size) {
  const asked = new URLSearchParams([...gtins].slice(0, WATCHED_MAX).map((gtin) => ["watch", gtin]));
  const source = new EventSource(`/api/v1/cart/events?${asked}`);
  // The cart comes first, and again whenever something may have been missed.
  for (const name of ["stock", "cart"]) source.addEventListener(name, soon);
}
