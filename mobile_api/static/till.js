// Checkout and ticket: a choice is sent as it is made, and what is shown follows the server.
// The shell is imported under the name that the page has it by: a second copy would act twice.

const { acts, attempt, keepPage, online, say, send, toast } = await import(document.body.dataset.shell);

const $ = (query, root = document) => root.querySelector(query);
const $$ = (query, root = document) => [...root.querySelectorAll(query)];
const parsed = (html) => Object.assign(document.createElement("template"), { innerHTML: html }).content;

/* what counts down, by the server's clock: a phone's own may be minutes off */
const LATE_S = 60; // from here on it is in the colour of a warning
let ahead = 0; // of the server's clock before ours, ms
function setClock(root) {
  const now = $("[data-now]", root)?.dataset.now ?? root.dataset?.now;
  if (now) ahead = Date.parse(now) - Date.now();
}
let ranOut = () => {};
function tick() {
  for (const one of $$("[data-until]")) {
    const left = Math.round((Date.parse(one.dataset.until) - Date.now() - ahead) / 1000);
    const shown = Math.max(0, left);
    one.textContent = `${Math.floor(shown / 60)}:${String(shown % 60).padStart(2, "0")}`;
    one.toggleAttribute("data-late", left < LATE_S);
    if (left < 0 && !one.dataset.over) { one.dataset.over = "yes"; ranOut(); }
  }
}

/* told of changes: the stream says that something changed, the page looks */
const SLEPT_MS = 20000; // a phone that slept longer may hold a dead connection that it believes in
function follow(url, look) {
  let source;
  let closed;
  const open = () => {
    source?.close();
    source = new EventSource(url);
    source.addEventListener("changed", () => look().catch(() => {}));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) { clearTimeout(closed); closed = setTimeout(open, 5000); }
    });
  };
  let hiddenAt = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (Date.now() - hiddenAt > SLEPT_MS) open();
  });
  addEventListener("online", open);
  // Coming back with the browser's own button shows the page as it was left.
  addEventListener("pageshow", (event) => { if (event.persisted) { look().catch(() => {}); open(); } });
  open();
}
/* only one look at a time; what rings meanwhile is one more look */
function looking(work) {
  let now = null;
  let again = false;
  return function look() {
    if (now) { again = true; return now; }
    now = work().finally(() => {
      now = null;
      if (again) { again = false; look().catch(() => {}); }
    });
    return now;
  };
}

/* checkout */
const box = () => $("#checkout");
const api = (rest = "") => `/api/v1/checkouts/${box().dataset.checkout}${rest}`;
// In turn: a choice that was made first is sent first, and paying waits for all of them.
let last = Promise.resolve();
function inTurn(work) {
  const next = last.then(work);
  last = next.catch(() => {});
  return next;
}
let wantsToPay = false;
/* the answer and the bell both bring the address, whichever is first: she goes once */
function goAndPay(address) {
  if (!wantsToPay) return;
  wantsToPay = false;
  location.assign(address);
}
// A part is compared as it was served: what was typed or said in it since is no change.
const served = new WeakMap();
const remember = (root) => { for (const part of $$("[data-part]", root)) served.set(part, part.outerHTML); };
function swapPart(old, fresh) {
  if (served.get(old) === fresh.outerHTML) return;
  served.set(fresh, fresh.outerHTML);
  const focused = old.contains(document.activeElement) ? named(document.activeElement) : "";
  const typed = $$("input[id]", old).filter((one) => one.value !== one.defaultValue && !["radio", "checkbox"].includes(one.type));
  const open = $$("details", old).map((one) => one.open);
  old.replaceWith(fresh);
  for (const one of typed) {
    const same = fresh.querySelector(`#${CSS.escape(one.id)}`);
    if (same && !same.value) same.value = one.value;
  }
  $$("details", fresh).forEach((one, place) => { one.open ||= open[place] ?? false; });
  if (focused) $(focused, fresh)?.focus({ preventScroll: true });
}
/* how the same field or button is found in what comes in its place */
function named({ id, dataset }) {
  if (id) return `#${CSS.escape(id)}`;
  return dataset.act ? `[data-act="${dataset.act}"]${dataset.gtin ? `[data-gtin="${dataset.gtin}"]` : ""}` : "";
}
/* two looks may find the same: the second way would end the first on its way */
let gone = false;
function goTo(address) {
  if (gone) return;
  gone = true;
  location.replace(address);
}
addEventListener("pageshow", () => { gone = false; });
function showCheckout(state) {
  const old = box();
  const fresh = parsed(state.html).firstElementChild;
  if (state.state === "paid") { goTo(`/orders/${state.order_id}`); return; }
  if (wantsToPay && state.redirect_url) { goAndPay(state.redirect_url); return; }
  if (state.state !== old.dataset.state) {
    if ("returned" in old.dataset) { goTo(`/checkout/${state.id}`); return; }
    remember(fresh);
    old.replaceWith(fresh);
    scrollTo(0, 0);
    $("#main").focus({ preventScroll: true });
  } else if (Number(fresh.dataset.version) >= Number(old.dataset.version)) {
    for (const name of ["version", "total", "rest", "promise", "now"]) old.dataset[name] = fresh.dataset[name];
    for (const part of $$("[data-part]", fresh)) {
      const target = $(`[data-part=${part.dataset.part}]`, old);
      if (target && !("returned" in old.dataset)) swapPart(target, part);
    }
  }
  setClock(box());
  tick();
}
const lookAtCheckout = looking(async () => { showCheckout(await send("GET", api("?html=true"))); online(); });
const changed = (work) => inTurn(async () => { await work(); await lookAtCheckout(); });
const choose = (choice) => changed(() => send("POST", api("/choices"), choice));
const line = (gtin) => `/api/v1/cart/lines/${gtin}`;

const FAULTS = { email: "#email-fault", address: "#how-fault" };
const choices = {
  method: (field) => ({ method: field.value }),
  slot: (field) => ({ slot_at: field.value || null }),
  location_id: (field) => ({ location_id: field.value }),
  email: (field) => ({ email: field.value.trim() }),
  address: (field) => ({ address: Object.fromEntries($$("input", field).map((one) => [one.name, one.value.trim()])) }),
};
document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-change]");
  if (!field || !box()) return;
  const kind = field.dataset.change;
  const fault = () => (FAULTS[kind] ? $(FAULTS[kind]) : null);
  if (fault()) fault().textContent = "";
  choose(choices[kind](field)).catch((problem) => {
    if (fault()) fault().textContent = problem.title || say("failed");
    else { toast(problem.title || say("failed")); lookAtCheckout().catch(() => {}); }
  });
});
// What is sent as a form without scripts: choices go as they are made, the rest by its button.
const KEPT_FORMS = ["choices-form", "pay-form", "stop-form", "voucher-drop"];
document.addEventListener("submit", (event) => {
  if (KEPT_FORMS.includes(event.target.id) || event.target.matches(".way-form, .turn-form")) event.preventDefault();
  if (event.target.id !== "voucher-form") return;
  event.preventDefault();
  const code = event.target.code.value.trim();
  $("#voucher-fault").textContent = "";
  if (!code) return;
  changed(() => send("POST", api("/voucher"), { code })).catch((problem) => {
    $("#voucher-fault").textContent = problem.title || say("failed");
    $("#voucher-code")?.focus();
  });
});
Object.assign(acts, {
  "take-left": ({ dataset }) => changed(() => send("PUT", line(dataset.gtin), { quantity: Number(dataset.left) })),
  "take-out": ({ dataset }) => changed(() => send("DELETE", line(dataset.gtin))),
  "to-list": ({ dataset }) => changed(async () => {
    await send("POST", "/api/v1/lists", { gtin: dataset.gtin, name: dataset.name, move: true });
    toast(say("moved", { name: dataset.name }));
  }),
  "accept-price": ({ dataset }) => changed(() => send("POST", api("/prices"), { gtin: dataset.gtin, price_minor: Number(dataset.price) })),
  "choose-shop": ({ dataset }) => choose({ location_id: dataset.location }),
  "choose-soonest": () => choose({ slot_at: null }),
  "choose-collect": () => choose({ method: "collect" }),
  "fill-address": () => { ($$(".address input").find((one) => one.required && !one.value) ?? $(".address input"))?.focus(); },
  "drop-voucher": () => changed(() => send("DELETE", api("/voucher"))),
  pay: () => inTurn(async () => {
    wantsToPay = true;
    try {
      const { total, rest, promise } = box().dataset;
      const asked = await send("POST", api("/pay"), { total_minor: Number(total), rest_minor: Number(rest), promise_at: promise || null });
      if (asked.redirect_url) goAndPay(asked.redirect_url);
      else await lookAtCheckout();
    } catch (problem) {
      wantsToPay = false;
      await lookAtCheckout().catch(() => {});
      throw problem;
    }
  }),
  stop: () => changed(() => send("POST", api("/stop"))),
});

/* a bell may be missed: while money is on its way the page also looks by itself; before that
   time runs on, and with it when it will be ready: what she pays for is what she sees */
const LOOK_MS = { paying: 10000, returned: 3000, open: 60000 };
function watchCheckout() {
  ranOut = () => setTimeout(() => lookAtCheckout().catch(() => {}), 1500);
  follow(api("/events"), lookAtCheckout);
  const again = () => {
    const { state, returned } = box().dataset;
    if (state === "paying" && !document.hidden) lookAtCheckout().catch(() => {});
    setTimeout(again, returned === undefined ? LOOK_MS.paying : LOOK_MS.returned);
  };
  setTimeout(again, LOOK_MS.returned);
  setInterval(() => { if (box().dataset.state === "open" && !document.hidden) lookAtCheckout().catch(() => {}); }, LOOK_MS.open);
  document.addEventListener("visibilitychange", () => { if (box().dataset.state === "open" && !document.hidden) lookAtCheckout().catch(() => {}); });
}

/* ticket */
const order = $("#order");
const lookAtOrder = order && looking(async () => {
  const answer = await fetch(order.dataset.partUrl, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  showOrder(await answer.text());
  online();
});
function showOrder(html) {
  const old = $(".order", order);
  const fresh = parsed(html);
  const state = $(".order", fresh);
  if (Number(state.dataset.version) < Number(old.dataset.version)) return;
  const focused = order.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  const offered = $$("[data-offer]", old).length < $$("[data-offer]", state).length;
  const moved = old.dataset.state !== state.dataset.state;
  const again = Number(state.dataset.resends) > Number(old.dataset.resends) && $(".told-again", state);
  if (served.get(order) !== state.innerHTML) {
    served.set(order, state.innerHTML);
    old.replaceWith(state);
  } else Object.assign(old.dataset, state.dataset);
  if (focused) $(`[data-act=${focused}]`, order)?.focus();
  if (moved || offered || again) {
    toast($(offered ? ".offer h2" : moved ? ".now" : ".told-again", order).textContent);
    navigator.vibrate?.([80, 60, 80]);
  }
  setClock(state);
  tick();
  stayAwake();
  keepPage(location.pathname);
}
/* a code that is to be shown must not go dark on the way to the desk */
let awake;
async function stayAwake() {
  const wanted = $(".handover") !== null && !document.hidden;
  if (!wanted) { await awake?.release().catch(() => {}); awake = undefined; return; }
  if (!awake || awake.released) awake = await navigator.wakeLock?.request("screen").catch(() => undefined);
}
function sure(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "send"), { once: true }));
}
const orderApi = (rest) => `/api/v1/orders/${order.dataset.order}${rest}`;
Object.assign(acts, {
  here: async () => { await send("POST", orderApi("/here")); await lookAtOrder(); },
  answer: async ({ dataset }) => {
    await send("POST", orderApi(`/substitutions/${dataset.offer}`), { accept: dataset.accept === "yes" });
    await lookAtOrder();
  },
  "cancel-order": async () => {
    if (!(await sure($("#sure-dialog")))) return;
    await send("POST", orderApi("/cancel")).catch((problem) => {
      throw problem.code === "not_ready" ? { title: say("begun") } : problem;
    }).finally(lookAtOrder);
  },
});

if (box()) { remember(box()); setClock(box()); watchCheckout(); }
if (order) {
  served.set(order, $(".order", order).innerHTML);
  setClock($(".order", order));
  ranOut = () => setTimeout(() => lookAtOrder().catch(() => {}), 1500);
  follow(order.dataset.eventsUrl, lookAtOrder);
  keepPage(location.pathname);
  stayAwake();
  document.addEventListener("visibilitychange", stayAwake);
}
/* waiting in a shop: her turn is what the server says, however long the phone slept */
const waiting = $("#waiting");
const WAITING_LOOK_MS = 30000; // times run on though nobody joins, and a bell may have been missed
function showWaiting({ html }) {
  const old = $(".waiting", waiting);
  const state = $(".waiting", parsed(html));
  const called = "called" in state.dataset && !("called" in old.dataset);
  const focused = waiting.contains(document.activeElement) ? document.activeElement.dataset.zone : null;
  old.replaceWith(state);
  if (focused) $(`[data-zone="${CSS.escape(focused)}"]`, waiting)?.focus({ preventScroll: true });
  if (called) {
    navigator.vibrate?.([200, 100, 200, 100, 400]);
    scrollTo(0, 0);
  }
  setClock(waiting);
  tick();
}
// Her first choice begins her session. The bell rings while its answer is on the way: who looks
// without the session, or looked before, does not see her turn.
let choosing = Promise.resolve();
let chosen = 0;
const lookAtWaiting = waiting && looking(async () => {
  await choosing;
  const before = chosen;
  const state = await send("GET", `${waiting.dataset.api}?html=true`);
  if (before === chosen) showWaiting(state);
  online();
});
function turn(zone, what) {
  chosen += 1;
  const answer = send("POST", `${waiting.dataset.api}/${encodeURIComponent(zone)}/${what}?html=true`).then(showWaiting);
  choosing = answer.catch(() => {});
  return answer;
}
Object.assign(acts, {
  "join-queue": ({ dataset }) => turn(dataset.zone, "join"),
  "leave-queue": ({ dataset }) => turn(dataset.zone, "leave"),
});
if (waiting) {
  setClock(waiting);
  ranOut = () => setTimeout(() => lookAtWaiting().catch(() => {}), 4000);
  follow(`${waiting.dataset.api}/events`, lookAtWaiting);
  setInterval(() => { if (!document.hidden) lookAtWaiting().catch(() => {}); }, WAITING_LOOK_MS);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) lookAtWaiting().catch(() => {}); });
}
/* a plan of a visit: the server says what is next; a tick can be taken back */
const plan = $("#plan");
function showPlan({ html }) {
  const fresh = parsed(html);
  const focused = plan.contains(document.activeElement) ? document.activeElement.id : "";
  const picked = $$("select[id]", plan).map((one) => [one.id, one.value, one.dataset.touched]);
  plan.replaceChildren(fresh);
  for (const [id, value, touched] of picked) {
    const same = document.getElementById(id);
    if (touched && same && [...same.options].some((one) => one.value === value && !one.disabled)) { same.value = value; same.dataset.touched = "yes"; }
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
const lookAtPlan = plan && looking(async () => {
  try {
    showPlan(await send("GET", "/api/v1/plan?html=true"));
    online();
  } catch (problem) {
    if (["unknown_plan", "no_session"].includes(problem.code)) location.replace("/plan");
    else throw problem;
  }
});
const planned = (rest, body) => send("POST", `/api/v1/plan${rest}?html=true`, body).then(showPlan);
const tickOff = (key, done) => planned("/tick", { key, done });
Object.assign(acts, {
  "plan-make": async ({ dataset }) => {
    await send("POST", "/api/v1/plan", { list_id: dataset.list, location_id: dataset.shop, comes_at: $("#plan-comes").value, called: $("#plan-called").value });
    location.assign("/plan");
  },
  "plan-end": async () => { await send("POST", "/api/v1/plan/end"); location.assign("/plan"); },
  "plan-arrive": () => planned("/arrive"),
  "plan-tick": async ({ dataset: { key, done } }) => {
    await tickOff(key, done === "true");
    if (done === "true") toast(plan.dataset.ticked, { label: plan.dataset.undo, run: () => attempt(() => tickOff(key, false)) });
  },
  "plan-try": (button) => planned("/try", { gtin: button.dataset.key, to_try: button.getAttribute("aria-pressed") !== "true" }),
  "plan-book": ({ dataset: { serves, change } }) => planned("/bookings", { serves, starts_at: $(`#slot-${serves}`).value, change: change === "true" }),
  "plan-cancel": ({ dataset: { serves } }) => planned("/bookings/cancel", { serves }),
});
if (plan) {
  plan.addEventListener("change", ({ target }) => { target.dataset.touched = "yes"; });
  follow("/api/v1/plan/events", lookAtPlan);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) lookAtPlan().catch(() => {}); });
}
// The code at the desk was scanned: that is the wish; without scripts the button says it.
if ($("#arrive")) attempt(async () => $("#arrive form").requestSubmit());
tick();
setInterval(tick, 1000);
