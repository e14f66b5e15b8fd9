// Pages of staff: live parts, the armed scan field, the camera, sounds; queue, desk and returns.
// The walk has a module of its own (walk.js). Server-rendered HTML is the truth: parts are swapped.

import { acts, attempt, say, send, toast } from "./app.js";
import { detector, readPhoto, watch } from "./lens.js";

export const $ = (query, root = document) => root.querySelector(query);
export const $$ = (query, root = document) => [...root.querySelectorAll(query)];
const locale = document.documentElement.lang;
const state = $("#state");

/* sounds: soft and high for right, two low tones for wrong; a toggle that is remembered */
const SOUND_KEY = "staff sound";
let audio;
let loud = true;
try { loud = localStorage.getItem(SOUND_KEY) !== "off"; } catch { /* private mode */ }
function tone(hertz, from_s, for_s, volume, shape = "sine") {
  const [swing, level] = [audio.createOscillator(), audio.createGain()];
  const at = audio.currentTime + from_s;
  swing.type = shape;
  swing.frequency.value = hertz;
  level.gain.setValueAtTime(0.0001, at);
  level.gain.exponentialRampToValueAtTime(volume, at + 0.012);
  level.gain.exponentialRampToValueAtTime(0.0001, at + for_s);
  swing.connect(level).connect(audio.destination);
  swing.start(at);
  swing.stop(at + for_s + 0.02);
}
function play(tones, name) {
  if (!loud) return;
  try {
    audio ??= new AudioContext();
    audio.resume();
    for (const one of tones) tone(...one);
    document.body.dataset.played = name; // what a test can see of a sound that has begun
  } catch { /* no audio here: the flash and the words remain */ }
}
const RIGHT = [[1046, 0, 0.16, 0.12], [1568, 0.07, 0.2, 0.08]];
const WRONG = [[220, 0, 0.22, 0.3, "triangle"], [155, 0.2, 0.4, 0.3, "triangle"]];
const RING = [[784, 0, 0.3, 0.12], [1175, 0.16, 0.45, 0.1]];
export const ring = () => { play(RING, "ring"); navigator.vibrate?.([60, 60, 60]); };
export const speak = (text) => { $("#spoken").textContent = ""; $("#spoken").textContent = text; };
export function right() {
  play(RIGHT, "right");
  navigator.vibrate?.(40);
  const flash = $("#flash");
  flash.classList.remove("on");
  void flash.offsetWidth; // begins anew
  flash.classList.add("on");
  setTimeout(() => flash.classList.remove("on"), 640);
}
export function wrong() { play(WRONG, "wrong"); navigator.vibrate?.([90, 60, 160]); }
function showSound() { $("#sound")?.setAttribute("aria-pressed", String(loud)); }
acts.sound = () => {
  loud = !loud;
  try { localStorage.setItem(SOUND_KEY, loud ? "on" : "off"); } catch { /* private mode */ }
  showSound();
  if (loud) play(RIGHT, "right");
  toast(say(loud ? "sound_on" : "sound_off"));
};
showSound();

/* What a finger is on is not replaced under it: its tap would be nobody's, and be lost. */
const PRESS_MAX_MS = 1000; // who holds longer drags, or has let go where we do not hear of it
let press = null;
addEventListener("pointerdown", () => {
  let lift;
  const over = new Promise((resolve) => { lift = resolve; });
  press = { over, lift };
  setTimeout(lift, PRESS_MAX_MS);
}, true);
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => {
    const lifted = press;
    setTimeout(() => { lifted?.lift(); if (press === lifted) press = null; }); // after its click
  }, true);
}
const handsOff = () => press?.over;

/* parts of the page: an answer that was asked for earlier never covers a later one */
let asked = 0;
let shown = 0;
const listeners = [];
export const onShown = (action) => listeners.push(action);
const mark = (one) => one && (one.id ? `#${one.id}` : one.dataset?.act && [
  one.closest("[data-task]") && `[data-task="${one.closest("[data-task]").dataset.task}"]`,
  one.closest(".step[data-line]") && `.step[data-line="${one.closest(".step[data-line]").dataset.line}"]`,
  `[data-act="${one.dataset.act}"]`,
].filter(Boolean).join(" "));
export function show(answer, order) {
  if (!answer?.html || order < shown) return;
  shown = order;
  if (state.dataset.shows !== answer.html) {
    const focused = state.contains(document.activeElement) ? mark(document.activeElement) : null;
    const typed = $$("input[name=shelf], #scan, [name=proof], [name=carrier]", state).map((one) => [one.name || one.id, one.closest("form")?.dataset.stage, one.value]);
    const said = $$("[role=alert][id]", state).map((one) => [one.id, one.textContent]);
    const ticked = $$("input[type=checkbox]:checked", state).map((one) => one.value);
    const open = $("details.all-lines", state)?.open;
    const unfolded = $$("details[id][open]", state).map((one) => one.id);
    state.innerHTML = answer.html;
    state.dataset.shows = answer.html;
    for (const [name, stage, value] of typed) {
      const field = $(stage ? `[data-stage="${stage}"] [name=${name}]` : `[name=${name}], #${name}`, state);
      if (field && value) field.value = value;
    }
    for (const [id, text] of said) if (text && $(`#${id}`, state)) $(`#${id}`, state).textContent = text;
    for (const one of $$("input[type=checkbox]", state)) one.checked = ticked.includes(one.value);
    if (open && $("details.all-lines", state)) $("details.all-lines", state).open = true;
    for (const id of unfolded) if ($(`#${id}`, state)) $(`#${id}`, state).open = true;
    if (focused) $(focused, state)?.focus({ preventScroll: true });
  }
  for (const action of listeners) action(answer);
  arm();
}
const withHtml = (path) => `${path}${path.includes("?") ? "&" : "?"}html=true${state.dataset.part ? `&part=${state.dataset.part}` : ""}`;
export async function post(path, body, key, answered = () => {}) {
  asked += 1;
  const order = asked;
  try {
    const answer = await send("POST", withHtml(path), body ?? {}, key);
    await handsOff();
    answered(); // before its state is shown: what was waiting is in it now
    show(answer, order);
    return answer;
  } catch (problem) { throw signedOut(problem); }
}
/* While scans are being sent, only their own answers are shown: another look may be of either side. */
let held = false;
let missed = false;
export function hold(on) {
  held = on;
  if (!on && missed) refresh();
}
export async function refresh() {
  if (!state?.dataset.from) return;
  missed = held;
  if (held) return;
  asked += 1;
  const order = asked;
  try {
    const answer = await send("GET", withHtml(state.dataset.from));
    await handsOff();
    missed = held;
    if (!held) show(answer, order);
  } catch (problem) { signedOut(problem); }
}
/* What waits is kept: she signs in or opens the lock, comes back, and it is sent then. */
export const away = (problem) => ["not_signed_in", "session_locked"].includes(problem.code);
function signedOut(problem) {
  if (away(problem)) location.assign(`/staff?back=${encodeURIComponent(location.pathname)}`);
  return problem;
}

/* live: a bell says that something changed; the page fetches what it shows */
const LOOK_EVERY_MS = 20000; // times run on, and a bell may have been missed
function live() {
  const sign = $("#staff-live");
  if (!sign) return;
  const tell = (name) => { sign.dataset.state = name === "live" ? "on" : "waiting"; sign.textContent = say(name); };
  let source;
  let again;
  const open = () => {
    source?.close();
    source = new EventSource(state?.dataset.hears ?? "/api/v1/staff/events");
    source.addEventListener("open", () => tell("live"));
    source.addEventListener("changed", refresh);
    source.addEventListener("error", () => {
      tell("connecting");
      if (source.readyState === EventSource.CLOSED) { clearTimeout(again); again = setTimeout(open, 5000); }
    });
  };
  open();
  setInterval(() => { if (!document.hidden) refresh(); }, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { refresh(); if (source.readyState === EventSource.CLOSED) open(); } });
  addEventListener("online", () => { open(); refresh(); });
  addEventListener("pagehide", () => source.close());
}

/* the scan field is always armed: what a scanner types lands in it, wherever the focus is */
const EDITABLE = "input:not([type=radio], [type=checkbox], [type=file]), textarea, select";
const seenField = (one) => one && !one.closest("[hidden]") && one.offsetParent !== null;
export const armedField = () => [$("#scan"), ...$$("[data-shelf]")].find(seenField);
export function arm() {
  const nobody = !document.activeElement || document.activeElement === document.body;
  if (nobody && !$("dialog[open]")) armedField()?.focus({ preventScroll: true });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1 || event.key === " ") return;
  if (event.target.matches?.(EDITABLE)) return;
  const open = $("dialog[open]");
  if (open && open.id !== "wrong") return;
  open?.close("on"); // the next scan answers it
  armedField()?.focus({ preventScroll: true }); // this key already goes there
}, true);

/* the camera, where the browser reads codes; else a photo for the server */
let stop = null;
let reader;
const cameraBox = $("#camera");
export function whenScanned(found) {
  acts.camera = async () => {
    if (stop) { stop(); stop = null; cameraBox.hidden = true; return; }
    reader ??= await detector();
    if (!reader) { $("#photo").click(); return; }
    cameraBox.hidden = false;
    try { stop = await watch(reader, $("video", cameraBox), found); } catch { cameraBox.hidden = true; toast(say("no_camera")); }
  };
  document.addEventListener("change", async (event) => {
    if (event.target.id !== "photo" || !event.target.files[0]) return;
    try { await found(await readPhoto(event.target.files[0])); } catch (problem) {
      toast(problem.code === "payload_too_large" ? say("too_large") : problem.code === "unreadable_photo" ? say("no_code") : problem.title || say("no_network"));
    } finally { event.target.value = ""; }
  });
}

/* dialogs that ask something */
export function asks(dialog, opener) {
  const place = mark(opener); // the page may be shown anew meanwhile
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => {
    const sent = dialog.returnValue === "send";
    done(sent);
    setTimeout(() => { // it is enabled again then
      const at = document.activeElement;
      // What was shown anew while the dialog was on its way has armed the scan field: nobody chose it.
      if (at === document.body || (!sent && at === armedField())) (opener?.isConnected ? opener : place && $(place))?.focus({ preventScroll: true });
    });
  }, { once: true }));
}

/* queue */
const taskOf = (button) => button.closest("[data-task]").dataset;
const walkOff = async (tasks, takeOver = false) => { await post("/api/v1/staff/walk", { tasks, take_over: takeOver }); location.assign("/staff/walk"); };
acts.claim = (button) => walkOff([taskOf(button).task]);
acts["claim-many"] = () => walkOff($$("[name=with]:checked").map((one) => one.value));
acts["take-over"] = async (button) => {
  const { task, ticket, holder } = taskOf(button);
  const dialog = $("#confirm-take");
  $("[data-name]", dialog).textContent = holder;
  $("[data-ticket]", dialog).textContent = ticket;
  if (await asks(dialog, button)) await walkOff([task], true);
};
acts.release = async (button) => { await post(`/api/v1/staff/tasks/${taskOf(button).task}/release`); toast(say("given_back")); };
acts.give = async (button) => {
  const { task, ticket } = taskOf(button);
  const dialog = $("#give");
  $("[data-ticket]", dialog).textContent = ticket;
  if (!(await asks(dialog, button))) return;
  const to = $("input:checked", dialog);
  await post(`/api/v1/staff/tasks/${task}/give`, { staff_id: to.value });
  toast(say("given", { name: to.dataset.name }));
};
function together() {
  const box = $("#together");
  if (!box) return;
  const chosen = $$("[name=with]:checked");
  for (const card of $$(".task")) card.classList.toggle("picked-out", Boolean($("[name=with]:checked", card)));
  box.hidden = chosen.length < 2;
  $("button", box).textContent = say("many", { count: new Intl.NumberFormat(locale).format(chosen.length) });
}
document.addEventListener("change", (event) => { if (event.target.name === "with") together(); });

/* desk: find by code or ticket; what was scanned is the proof on the page of the order */
const PROOF_KEY = "staff proof";
async function find(text) {
  const form = $("#find");
  const fault = $("#find-fault");
  fault.textContent = "";
  const anywhere = "anywhere" in form.dataset;
  try {
    const found = await send("POST", "/api/v1/staff/find", { text, anywhere });
    try { sessionStorage.setItem(PROOF_KEY, JSON.stringify([found.order_id, found.by_code ? text : ""])); } catch { /* private mode */ }
    location.assign(form.dataset.to + found.order_id);
  } catch (problem) { wrong(); fault.textContent = signedOut(problem).title || say("failed"); $("#scan").select(); }
}
function narrow(text) {
  const wanted = text.trim().toUpperCase();
  for (const one of $$("#shelves > [data-find]")) one.hidden = Boolean(wanted) && wanted.length < 8 && !one.dataset.find.toUpperCase().includes(wanted);
}
if ($("#find")) {
  $("#find").addEventListener("submit", (event) => { event.preventDefault(); const text = $("#scan").value.trim(); if (text) find(text); });
  $("#scan").addEventListener("input", (event) => narrow(event.target.value));
  onShown(() => narrow($("#scan").value));
  whenScanned(find);
}

/* handover */
let proof = "";
function readCode() {
  const form = $("#hand-over");
  if (!form) return;
  try {
    const [order, text] = JSON.parse(sessionStorage.getItem(PROOF_KEY)) ?? [];
    if (order === state.dataset.order && text) proof = text;
  } catch { /* nothing was scanned */ }
  $("#code-read").hidden = !proof;
  form.proof.required = !proof;
  form.proof.closest(".field").hidden = Boolean(proof);
}
async function handOver(body) {
  const tell = (text) => { if ($("#hand-fault")) $("#hand-fault").textContent = text; };
  tell("");
  try {
    await post(`/api/v1/staff/orders/${state.dataset.order}/handover`, body);
    sessionStorage.removeItem(PROOF_KEY);
    right();
    scrollTo(0, 0); // the verdict is what she looks for
    speak($(".verdict h2").textContent);
  } catch (problem) {
    wrong();
    proof = "";
    sessionStorage.removeItem(PROOF_KEY);
    readCode();
    tell(problem.title || say("failed"));
    $("#hand-over")?.proof.select();
    if (problem.status === 409) await refresh();
  }
}
/* a parcel: the carrier of the last one is usually the carrier of the next */
const CARRIER_KEY = "staff carrier";
function sameCarrier() {
  const field = $("#parcel")?.carrier;
  if (!field || field.value) return;
  try { field.value = sessionStorage.getItem(CARRIER_KEY) ?? ""; } catch { /* private mode */ }
}
async function sent(form) {
  const tell = (text) => { if ($("#parcel-fault")) $("#parcel-fault").textContent = text; };
  const [carrier, tracking] = [form.carrier.value.trim(), form.tracking.value.trim()];
  tell("");
  try {
    await post(`/api/v1/staff/orders/${state.dataset.order}/ship`, { carrier, tracking });
    try { sessionStorage.setItem(CARRIER_KEY, carrier); } catch { /* private mode */ }
    right();
    scrollTo(0, 0);
    speak($(".verdict h2").textContent);
  } catch (problem) {
    wrong();
    tell(problem.title || say("failed"));
    if (problem.status === 409) await refresh();
  }
}
if (state?.dataset.order) {
  readCode();
  sameCarrier();
  onShown(sameCarrier);
  onShown(readCode);
  document.addEventListener("submit", (event) => {
    if (event.target.id === "parcel") { event.preventDefault(); attempt(() => sent(event.target)); }
    if (event.target.id !== "hand-over") return;
    event.preventDefault();
    attempt(() => handOver({ proof: proof || event.target.proof.value.trim() }));
  });
  whenScanned((code) => handOver({ proof: code }));
}
const orderPath = (verb) => `/api/v1/staff/orders/${state.dataset.order}/${verb}`;
async function withReason(button, run) {
  const dialog = $("#why");
  $("h2", dialog).textContent = button.dataset.title;
  $("[data-note]", dialog).textContent = button.dataset.note;
  if (await asks(dialog, button)) { await run($("[name=reason]", dialog).value); $("form", dialog).reset(); }
}
acts.resend = async () => { await post(orderPath("resend")); toast(say("resent")); };
acts["retry-refund"] = async ({ dataset }) => { await post(orderPath(`refunds/${dataset.refund}/retry`)); toast(say("refund_again")); };
acts["retry-unbought"] = async ({ dataset }) => { await post(`/api/v1/staff/refunds/${dataset.refund}/retry`); toast(say("refund_again")); };
acts["call-next"] = ({ dataset }) => post(`/api/v1/staff/waiting/${encodeURIComponent(dataset.zone)}/call`);
acts.turn = ({ dataset }) => post(`/api/v1/staff/waiting/turns/${dataset.turn}`);
acts.booking = ({ dataset }) => post(`/api/v1/staff/bookings/${dataset.booking}`);
acts["put-off"] = async (button) => {
  const dialog = $("#put-off");
  const form = $("form", dialog);
  if (!(await asks(dialog, button))) return;
  await post(orderPath("later"), { reason: form.reason.value, promise_at: form.promise_at.value });
  form.reset();
};
acts["without-code"] = (button) => withReason(button, (reason) => handOver({ reason }));

/* returns: the refund is shown before it is confirmed */
acts["take-back"] = async (button) => {
  const dialog = $("#take-back");
  const form = $("form", dialog);
  const { line, name, most } = button.dataset;
  const refunds = JSON.parse(button.dataset.refunds);
  form.reset();
  $("[data-name]", dialog).textContent = name;
  form.quantity.max = most;
  const count = () => { $("[data-refund]", dialog).textContent = refunds[Number(form.quantity.value) - 1] ?? "–"; };
  form.quantity.oninput = count;
  count();
  if (!(await asks(dialog, button))) return;
  await post(orderPath("returns"), { line_id: line, quantity: Number(form.quantity.value), reason: form.reason.value, restocked: form.restocked.value === "yes" });
  right();
};

onShown(together);
/* signing out leaves nothing of this person on a shared phone */
$("#sign-out")?.addEventListener("submit", () => { sessionStorage.clear(); if ("caches" in window) caches.delete("staff"); });
live();
arm();
