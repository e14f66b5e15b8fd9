// The pages' behaviour: the live cart, its buttons, toasts with undo, and being offline.
// Server-rendered HTML is the truth: this module swaps parts of it and sends what was tapped.

const $ = (query, root = document) => root.querySelector(query);
const $$ = (query, root = document) => [...root.querySelectorAll(query)];
const words = JSON.parse($("#words").textContent);
const locale = document.documentElement.lang;
export const say = (name, facts = {}) =>
  words[name].replace(/%\((\w+)\)s/g, (_, key) => facts[key] ?? "");

/* toasts */
const TOAST_MS = 7000; // long enough to read and to reach the button
const TOASTS_MAX = 3;
export function toast(text, action) {
  const box = $("#toasts");
  const one = document.createElement("div");
  one.className = "toast is-new";
  one.append(Object.assign(document.createElement("span"), { textContent: text }));
  const close = () => one.remove();
  if (action) {
    const button = Object.assign(document.createElement("button"), { textContent: action.label });
    button.addEventListener("click", () => { close(); action.run(); });
    one.append(button);
  }
  while (box.children.length >= TOASTS_MAX) box.firstElementChild.remove();
  box.append(one);
  setTimeout(close, TOAST_MS);
}

/* requests: a lost answer is asked for again under the same key, so nothing happens twice */
const TRIES_MAX = 4;
const TIMEOUT_MS = 8000;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
export async function send(method, path, body, key = newKey()) {
  const headers = { Accept: "application/json" };
  if (method === "POST") headers["Idempotency-Key"] = key;
  if (body && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  const request = { method, headers, body: body && !(body instanceof FormData) ? JSON.stringify(body) : body };
  for (let tried = 1; ; tried += 1) {
    let problem = { code: "no_network", title: say("no_network") };
    let again = true;
    try {
      const answer = await fetch(path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const json = await answer.json();
      if (answer.ok) return json;
      problem = json;
      again = answer.status >= 500 || json.code === "in_flight";
    } catch { /* no answer: try again below */ }
    if (!again || tried === TRIES_MAX || !navigator.onLine) throw problem;
    await pause(400 * 2 ** tried);
  }
}
export const attempt = (work) => work().catch((problem) => toast(problem.title || say("failed")));

/* the cart's parts, keyed by line so that only what changed moves */
let version = Number($("[data-part=lines]")?.dataset.version ?? -1);
function showLines(target, fresh) {
  const before = new Map($$(".line", target).map((line) => [line.dataset.gtin, line]));
  const after = $$(".line", fresh).map((line) => {
    const old = before.get(line.dataset.gtin);
    before.delete(line.dataset.gtin);
    if (!old) line.classList.add("is-new");
    else if (old.outerHTML.replace(/ (is-new|rolled)/g, "") === line.outerHTML) return old;
    else swapLine(old, line);
    return line;
  });
  for (const gone of before.values()) gone.remove();
  // What is in its place is not touched: an element that is moved loses the focus.
  const focused = document.activeElement;
  after.forEach((line, place) => { if (target.children[place] !== line) target.insertBefore(line, target.children[place] ?? null); });
  if (target.contains(focused) && focused !== document.activeElement) focused.focus({ preventScroll: true });
}
const FOCUSABLE = "a, button, summary";
function swapLine(old, line) {
  const focused = $$(FOCUSABLE, old).indexOf(document.activeElement);
  const open = $("details", old)?.open;
  if (old.dataset.quantity !== line.dataset.quantity) $("output", line)?.classList.add("rolled");
  old.replaceWith(line);
  if (open) $("details", line).open = true;
  $$(FOCUSABLE, line)[focused]?.focus({ preventScroll: true });
}
export function showCart(cart) {
  if (document.body.dataset.page !== "cart" || !cart.html || cart.version < version) return;
  version = cart.version;
  const fresh = document.createElement("template");
  fresh.innerHTML = cart.html;
  for (const part of $$("[data-part]", fresh.content)) {
    for (const target of $$(`main [data-part=${part.dataset.part}]`)) {
      if (part.dataset.part === "lines") showLines(target, part);
      else if (target.innerHTML.trim() !== part.innerHTML.trim()) target.innerHTML = part.innerHTML;
    }
  }
  $("[data-when=full]").hidden = cart.pieces === 0;
  $("[data-when=empty]").hidden = cart.pieces > 0;
  keepPage();
}

/* the kept page follows the live cart: without a network it shows what was seen last */
const KEEP_AFTER_MS = 2000; // once for a burst of scans
let keeping;
export function keepPage(path = "/") {
  if (!("caches" in window)) return;
  clearTimeout(keeping);
  keeping = setTimeout(() => keepNow(path).catch(() => {}), KEEP_AFTER_MS);
}
async function keepNow(path) {
  const answer = await fetch(path);
  if (!answer.ok || answer.redirected || /\bno-store\b/.test(answer.headers.get("Cache-Control") ?? "")) return;
  await (await caches.open("pages")).put(path, answer);
}

/* live: the browser reconnects by itself and says which version it saw last */
function live() {
  const sign = $("#live");
  if (!sign) return;
  const state = (name, text) => { sign.dataset.state = name; sign.textContent = text; };
  let source;
  let closed;
  const open = () => {
    source?.close();
    source = new EventSource("/api/v1/cart/events?html=true");
    source.addEventListener("open", () => { state("on", say("live")); online(); $("#held").hidden = true; });
    source.addEventListener("error", () => {
      state("waiting", say("connecting"));
      if (source.readyState === EventSource.CLOSED) { clearTimeout(closed); closed = setTimeout(open, 5000); }
    });
    source.addEventListener("cart", (event) => showCart(JSON.parse(event.data)));
    source.addEventListener("stock", (event) => {
      const { gtin, words: said } = JSON.parse(event.data);
      const mark = said && $(`.line[data-gtin="${gtin}"] [data-stock]`);
      if (mark && mark.textContent !== said.text) { mark.textContent = said.text; mark.className = `stock ${said.tone}`; }
    });
    source.addEventListener("device", (event) => {
      const held = JSON.parse(event.data).state === "held";
      if (!held && !$("#held").hidden) toast(say("device_gone"));
      $("#held").hidden = !held;
    });
  };
  open();
  keepPage(); // the first visit came past the worker, which was not there yet
  // A phone that slept may hold a dead connection that it believes in.
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (Date.now() - hiddenAt > 20000) { source.close(); fetch("/api/v1/cart?html=true").then((a) => a.json()).then(showCart).catch(() => {}); open(); }
  });
  addEventListener("online", open);
}

/* offline: say so, and from when what is shown is */
let offlineSince = null;
const kept = (path) => `seen ${path}`;
if (document.documentElement.hasAttribute("data-over")) { // signed out elsewhere: which pages she saw is hers
  try { for (const key of Object.keys(localStorage)) if (key.startsWith(kept(""))) localStorage.removeItem(key); } catch { /* private mode */ }
}
export function online() {
  offlineSince = null;
  $("#offline").hidden = true;
  try { localStorage.setItem(kept(location.pathname), String(Date.now())); } catch { /* private mode */ }
}
function offline() {
  if (offlineSince !== null) return;
  let seen = Date.now();
  try { seen = Number(localStorage.getItem(kept(location.pathname))) || seen; } catch { /* private mode */ }
  offlineSince = seen;
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(seen);
  $("#offline").textContent = say("offline", { time });
  $("#offline").hidden = false;
  const sign = $("#live");
  if (sign) { sign.dataset.state = "off"; sign.textContent = say("connecting"); }
}
addEventListener("offline", offline);
addEventListener("online", online);
if (navigator.onLine) online(); else offline();
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});

/* other tabs: what one of them took along, or put into its first cart, is everybody's */
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("carryover") : null;
tabs?.addEventListener("message", ({ data }) => {
  const shows = ["cart", "lists"].includes(document.body.dataset.page);
  // A tab that is live hears of lines by itself, but only of the cart that it was opened with.
  if (shows && (data === "claimed" || !$("#live"))) location.reload();
});

/* what was tapped */
const lineOf = (button) => button.closest("[data-gtin]");
const path = (gtin) => `/api/v1/cart/lines/${gtin}?html=true`;
async function setQuantity(gtin, quantity) { showCart(await send("PUT", path(gtin), { quantity })); }
async function remove(line) {
  const { gtin, name, quantity } = line.dataset;
  showCart(await send("DELETE", path(gtin)));
  toast(say("removed", { name }), { label: say("undo"), run: () => attempt(() => setQuantity(gtin, Number(quantity))) });
}
export const acts = {
  more: (button) => setQuantity(lineOf(button).dataset.gtin, Number(lineOf(button).dataset.quantity) + 1),
  less: (button) => {
    const line = lineOf(button);
    const quantity = Number(line.dataset.quantity) - 1;
    return quantity ? setQuantity(line.dataset.gtin, quantity) : remove(line);
  },
  remove: (button) => remove(lineOf(button)),
  keep: async (button) => {
    const { gtin, name, quantity } = lineOf(button).dataset;
    await send("POST", "/api/v1/lists", { gtin, name, move: true });
    showCart(await send("GET", "/api/v1/cart?html=true"));
    toast(say("moved", { name }), { label: say("undo"), run: () => attempt(() => setQuantity(gtin, Number(quantity))) });
  },
  add: async (button) => {
    const { gtin, name } = button.dataset;
    await send("POST", "/api/v1/cart/lines", { gtin });
    tabs?.postMessage("added");
    toast(say("added", { name }));
  },
  save: async () => { await send("POST", "/api/v1/lists", {}); toast(say("saved")); },
  mail: (button) => askMail(button.closest("[data-list]")?.dataset.list),
  close: (button) => button.closest("dialog").close(),
  "undo-claim": async (button) => {
    await send("POST", "/api/v1/cart/claims/undo", { claim: button.closest("[data-claim]").dataset.claim });
    location.replace("/");
  },
  "put-back": async (button) => {
    await send("POST", `/api/v1/lists/${button.closest("[data-list]").dataset.list}/cart`);
    toast(say("put"));
  },
  "put-shared": async (button) => {
    await send("POST", `/api/v1/lists/shared/${button.dataset.link}/cart`);
    location.assign("/");
  },
  rename: async (button) => {
    const card = button.closest("[data-list]");
    const dialog = $("#name-dialog");
    $("input", dialog).value = card.dataset.name;
    if (!(await answered(dialog))) return;
    const list = await send("PATCH", `/api/v1/lists/${card.dataset.list}`, { name: $("input", dialog).value });
    if (!list.name) location.reload();
    card.dataset.name = list.name;
    $("[data-title]", card).textContent = list.name;
  },
  "delete-list": async (button) => {
    const card = button.closest("[data-list]");
    const { list, name } = card.dataset;
    await send("DELETE", `/api/v1/lists/${list}`);
    card.hidden = true;
    $("#no-lists").hidden = $$("#lists > :not([hidden])").length > 0;
    toast(say("list_gone", { name }), {
      label: say("undo"),
      run: () => attempt(async () => { await send("POST", `/api/v1/lists/${list}/restore`); card.hidden = false; $("#no-lists").hidden = true; }),
    });
  },
  release: async () => {
    await send("POST", "/api/v1/device/release");
    $("#held").hidden = true;
    toast(say("released"));
  },
  near: () => new Promise((done) => navigator.geolocation.getCurrentPosition((at) => done(near(at.coords)), done, { timeout: 15000 })),
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button || button.disabled) return;
  const menu = button.closest("details.menu");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
  const dialogButton = button.closest("dialog");
  if (!dialogButton) button.disabled = true;
  attempt(async () => acts[button.dataset.act](button)).finally(() => { button.disabled = false; });
});
// A menu closes when the reader goes elsewhere.
document.addEventListener("click", (event) => { for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false; });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of $$("details.menu[open]")) { menu.open = false; $("summary", menu).focus(); }
});

/* dialogs */
function answered(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "send"), { once: true }));
}
const MAIL_LOOKS_MAX = 10;
function askMail(list) {
  const dialog = $("#mail-dialog");
  const form = $("form", dialog);
  const fault = $(".fault", dialog);
  let saved = list;
  fault.textContent = "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    fault.textContent = "";
    const go = $("[value=send]", form);
    go.disabled = true;
    try {
      saved ??= (await send("POST", "/api/v1/lists", {})).id;
      const asked = await send("POST", `/api/v1/lists/${saved}/mail`, { email: form.email.value });
      dialog.close();
      toast(say("mail_sent"));
      watchMail(asked);
    } catch (problem) {
      fault.textContent = problem.title || say("failed");
      form.email.focus();
    } finally { go.disabled = false; }
  };
  dialog.showModal();
}
async function watchMail({ id, list_id: list }) {
  for (let looked = 1; looked <= MAIL_LOOKS_MAX; looked += 1) {
    await pause(1000 * looked);
    const mail = await send("GET", `/api/v1/lists/${list}/mail/${id}`).catch(() => null);
    if (mail?.state === "failed") toast(say("mail_failed", { reason: mail.failure }));
    if (mail && mail.state !== "requested") return;
  }
}

/* how far the shops are: counted here, the place is sent nowhere */
if (navigator.geolocation && $("#near-row")) $("#near-row").hidden = false;
function near({ latitude, longitude }) {
  const list = $("#shops");
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const far = (shop) => {
    if (!shop.dataset.latitude) return Infinity;
    const [a, b] = [Number(shop.dataset.latitude), Number(shop.dataset.longitude)];
    const half = Math.sin(rad(a - latitude) / 2) ** 2 + Math.cos(rad(a)) * Math.cos(rad(latitude)) * Math.sin(rad(b - longitude) / 2) ** 2;
    return 12742016 * Math.asin(Math.sqrt(half));
  };
  const number = (value, digits) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  for (const shop of $$("li", list).sort((one, other) => far(one) - far(other))) {
    const metres = far(shop);
    if (Number.isFinite(metres)) {
      const [unit, value] = metres < 1000 ? ["unitM", number(Math.round(metres / 10) * 10, 0)] : ["unitKm", number(metres / 1000, metres < 10000 ? 1 : 0)];
      $("[data-distance]", shop).textContent = list.dataset[unit].replace("%(count)s", value);
    }
    list.append(shop);
  }
}

/* taking a tablet's list along: sent by itself, until an answer comes */
const WAITS_S = [2, 3, 5, 8, 13, 20]; // then every 20 s; a tablet comes back when it comes back
const TELL_AFTER = 8; // waits, about two minutes: then the link may simply be wrong
async function claim() {
  const box = $("#claim");
  if (!box?.dataset.secret) return;
  const show = (name) => { for (const one of $$("[data-state]", box)) one.hidden = one.dataset.state !== name; };
  const states = { claim_used: "used", claim_expired: "expired", no_network: "waiting" };
  for (let waited = 0; ; waited += 1) {
    try {
      const taken = await send("POST", `/api/v1/claims/${encodeURIComponent(box.dataset.secret)}`);
      tabs?.postMessage("claimed");
      location.replace(taken.to);
      return;
    } catch (problem) {
      if (problem.code !== "unknown_claim" && problem.code !== "no_network" && problem.code !== "unavailable") {
        show(states[problem.code] ?? "unknown");
        return;
      }
      show(waited >= TELL_AFTER && navigator.onLine ? "unknown" : "waiting");
    }
    await pause(1000 * WAITS_S[Math.min(waited, WAITS_S.length - 1)]);
  }
}

live();
claim();
