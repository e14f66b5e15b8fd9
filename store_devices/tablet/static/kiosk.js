// The kiosk's one script: draws again when the tablet rings, sends touches, hears a scanner type.
// It stores nothing: no history entry, no storage, and what was typed goes when its field goes.

const BURST_GAP_MS = 100;    // a scanner types a digit every few ms; nobody types eight in a row so fast
const CODE = /(?:\d{8,14}|https?:\/\/\S{8,2000})$/i; // GTIN-8 to GTIN-14, or a GS1 Digital Link
const TOUCH_EVERY_MS = 5000; // how often "somebody is there" is said while somebody is
const RETRY_MS = 2000;
const LOST_WIPE_MS = 90000;  // as long as the idle time: a dead program cannot clear the screen, so this does

const parser = new DOMParser();
const served = new Map();    // id of a part → the HTML it came as
let opener = "";             // what opened the sheet: focus goes back there
let asked = 0;               // number of the newest request for a screen
let touchedAt = 0;

const byId = (id) => document.getElementById(id);
const filled = (id) => Boolean(byId(id)?.firstElementChild);

// --- drawing

async function draw() {
  const mine = ++asked;
  try {
    const answer = await fetch("/screen", { cache: "no-store" });
    if (!answer.ok || mine !== asked) return;
    swap(parser.parseFromString(await answer.text(), "text/html").getElementById("screen"));
  } catch {
    // the stream's retry draws again
  }
}

function remember(screen) {
  served.clear();
  for (const part of screen.querySelectorAll("[data-part]")) served.set(part.id, part.outerHTML);
}

function swap(fresh) {
  const old = byId("screen");
  const focused = document.activeElement?.id ?? "";
  const over = filled("ask") || filled("sheet");
  if (old.dataset.phase !== fresh.dataset.phase || old.lang !== fresh.lang) {
    replaceAll(old, fresh);
  } else {
    replaceParts(old, fresh);
  }
  settle(focused, over);
}

function replaceAll(old, fresh) {
  const typed = byId("email")?.value ?? "";
  const wiped = old.dataset.phase === "visit" && fresh.dataset.phase === "idle";
  remember(fresh);
  document.documentElement.lang = fresh.lang;
  document.documentElement.dir = fresh.dir;
  old.replaceWith(fresh);
  if (!wiped && byId("email")) byId("email").value = typed;
  if (wiped) wipe();
}

function replaceParts(old, fresh) {
  const floor = byId("floor"), next = fresh.querySelector("#floor");
  if (floor && next) floor.inert = next.inert;
  const before = new Map([...old.querySelectorAll("#lines li")].map((line) => [line.id, line.dataset.quantity]));
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const html = part.outerHTML, there = byId(part.id);
    if (!there || served.get(part.id) === html) continue;
    served.set(part.id, html);
    const typed = there.querySelector("#email")?.value;
    const scrolled = sameProduct(there, part) ? there.scrollTop : 0;
    there.replaceWith(part);
    part.scrollTop = scrolled;
    if (typed !== undefined && part.querySelector("#email")) part.querySelector("#email").value = typed;
    if (part.id === "lines") mark(part, before);
  }
}

function sameProduct(one, other) {
  return one.id !== "product" || one.querySelector("h1")?.textContent === other.querySelector("h1")?.textContent;
}

function mark(lines, before) {
  for (const line of lines.querySelectorAll("li")) {
    if (!before.has(line.id)) line.classList.add("arrived");
    else if (before.get(line.id) !== line.dataset.quantity) line.querySelector("output").classList.add("rolled");
  }
}

function settle(focused, wasOver) {
  const over = filled("ask") ? byId("ask") : filled("sheet") ? byId("sheet") : null;
  if (over && !over.contains(document.activeElement)) {
    if (!wasOver) opener = focused;
    const again = focused && byId(focused);
    (over.contains(again) ? again : over.querySelector("[autofocus]"))?.focus();
  } else if (!over) {
    const target = (wasOver && opener) || focused;
    if (wasOver) opener = "";
    if (target && document.activeElement?.id !== target) (byId(target) ?? byId("lines"))?.focus({ preventScroll: true });
  }
}

function wipe() {
  opener = "";
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const sheet = byId("wipe");
  sheet.hidden = false;
  sheet.classList.add("go");
  sheet.addEventListener("animationend", () => { sheet.classList.remove("go"); sheet.hidden = true; }, { once: true });
}

// --- telling the tablet

async function tell(path, fields = {}) {
  try {
    await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "*/*" } });
  } catch {
    return; // the program is starting again; nothing was taken, and the screen will say how it is
  }
  draw();
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  tell(new URL(form.action).pathname, new FormData(form, event.submitter));
});

document.addEventListener("click", (event) => {
  const key = event.target.closest(".key"), thumb = event.target.closest(".thumb");
  if (key) press(key.dataset.key);
  if (thumb) showPicture(thumb);
});

document.addEventListener("pointerdown", (event) => {
  if (event.target.closest(".key")) event.preventDefault(); // the field keeps the focus and its caret
  somebody();
});

function somebody() {
  if (byId("screen").dataset.phase !== "visit" || filled("ask")) return; // its own buttons answer
  if (performance.now() - touchedAt < TOUCH_EVERY_MS) return;
  touchedAt = performance.now();
  fetch("/do/touch", { method: "POST", body: new URLSearchParams() }).catch(() => {});
}
document.addEventListener("wheel", somebody, { passive: true });

function press(key) {
  const field = byId("email");
  if (!field) return;
  const start = field.selectionStart, end = field.selectionEnd;
  if (key === "back") field.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
  else field.setRangeText(key, start, end, "end");
  field.focus();
}

function showPicture(thumb) {
  const big = byId("big");
  big.src = thumb.dataset.picture;
  big.alt = thumb.dataset.alt;
  for (const other of thumb.parentElement.children) other.setAttribute("aria-pressed", String(other === thumb));
}

// --- a scanner that types, wherever the focus is

let burst = "", lastKeyAt = 0;
document.addEventListener("keydown", (event) => {
  const quick = event.timeStamp - lastKeyAt < BURST_GAP_MS;
  lastKeyAt = event.timeStamp;
  const code = event.key === "Enter" && quick ? burst.match(CODE)?.[0] : undefined;
  if (code) {
    event.preventDefault();
    event.stopPropagation();
    untype(code);
    tell("/do/scan", { code, reader: "hid" });
    burst = "";
    return;
  }
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) burst = (quick ? burst : "") + event.key;
  else if (event.key !== "Shift") burst = "";
  if (event.key === "Escape") {
    if (filled("ask")) tell("/do/touch");
    else if (filled("sheet")) tell("/do/sheet", { sheet: "" });
  }
  if (!event.repeat) somebody();
}, { capture: true });

function untype(text) {
  const field = document.activeElement;
  if (field?.id === "email" && field.value.endsWith(text)) field.value = field.value.slice(0, -text.length);
}

// --- the doorbell

let rung = "", lostTimer = 0;
function listen() {
  const bell = new EventSource("/events");
  bell.onmessage = (event) => {
    document.body.classList.remove("lost");
    clearTimeout(lostTimer);
    lostTimer = 0;
    if (event.data === rung) return;
    rung = event.data;
    draw();
  };
  bell.onerror = () => {
    rung = "";
    document.body.classList.add("lost");
    lostTimer ||= setTimeout(blank, LOST_WIPE_MS);
    if (bell.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  };
}

function blank() {
  const screen = byId("screen");
  screen.dataset.phase = "lost"; // whatever comes next is drawn as a whole
  for (const part of [...screen.children]) if (part.id !== "bar") part.remove();
  served.clear();
}

addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("contextmenu", (event) => event.preventDefault());
remember(byId("screen"));
settle("", false);
listen();
