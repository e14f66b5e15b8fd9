// The kiosk's one script: draws again when the tablet rings, sends touches, hears a scanner type.
// It stores nothing: no history entry, no storage, and what was typed goes when its field goes.

const QUICK_MS = 100;        // from key to key: a scanner takes a few ms; nobody types eight in a row so fast
const QUICK_SHARE = 0.75;    // of a scan's keys: a busy machine or a weak radio holds a few of them up
const PAUSE_MS = 5000;       // longer than any radio holds a key up: what stood before is not of this scan
const CODE_MIN_CHARS = 4;    // shorter is a hand on the keyboard
const CODE_MAX_CHARS = 2048; // longer is a stuck key
const GTIN_LENGTHS = [14, 13, 12, 8];
const LINK = /https?:\/\/\S{8,}$/i; // a GS1 Digital Link
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
  const wiped = ["visit", "turn", "veiled"].includes(old.dataset.phase) && fresh.dataset.phase === "idle";
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
  keys = [];
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

let keys = [];               // the characters since the last other key, and when the hardware had each
document.addEventListener("keydown", (event) => {
  const at = event.timeStamp;
  if (keys.length && at - keys.at(-1).at > PAUSE_MS) keys = [];
  const code = event.key === "Enter" ? scanned(at) : "";
  if (code) {
    event.preventDefault();
    event.stopPropagation();
    untype(code);
    tell("/do/scan", { code, reader: isQuick(code.length, at) ? "hid" : "keyboard" });
    keys = [];
    return;
  }
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    if (keys.length <= CODE_MAX_CHARS) keys.push({ key: event.key, at });
  } else if (event.key !== "Shift") keys = [];
  if (event.key === "Escape") {
    if (filled("ask")) tell("/do/touch");
    else if (filled("sheet")) tell("/do/sheet", { sheet: "" });
  }
  if (!event.repeat) somebody();
}, { capture: true });

// What was typed is a scan as a whole, however slowly it came: cut at a pause, its end may be the code
// of something else. Only into the address do people type too; see scannedAmongLetters.
function scanned(enterAt) {
  if (keys.length > CODE_MAX_CHARS) return "";
  const text = keys.map(({ key }) => key).join("");
  if (document.activeElement?.id === "email") return scannedAmongLetters(text, enterAt);
  return text.trim().length >= CODE_MIN_CHARS ? text : "";
}

// The pace says that it was a scanner, the check digit where its code begins: a code with a digit more
// or less before it does not hold.
function scannedAmongLetters(text, enterAt) {
  const ends = [
    text.match(LINK)?.[0],
    ...GTIN_LENGTHS.map((length) => text.slice(-length)).filter((end, n) => end.length === GTIN_LENGTHS[n] && holds(end)),
    text.match(/\d{8,}$/)?.[0], // of no product: the screen says so
  ];
  return ends.find((end) => end && isQuick(end.length, enterAt)) ?? "";
}

function holds(digits) { // GS1 General Specifications 7.9: weights 1 and 3 from the right come to a full ten
  if (!/^\d+$/.test(digits)) return false;
  return [...digits].reverse().reduce((sum, digit, n) => sum + Number(digit) * (n % 2 ? 3 : 1), 0) % 10 === 0;
}

function isQuick(length, enterAt) {
  const times = [...keys.slice(-length).map(({ at }) => at), enterAt];
  const quick = times.filter((at, n) => n > 0 && at - times[n - 1] < QUICK_MS).length;
  return quick >= QUICK_SHARE * (times.length - 1);
}

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
  keys = [];
}

addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("contextmenu", (event) => event.preventDefault());
remember(byId("screen"));
settle("", false);
listen();
