// The walk: one line at a time. Every scan goes into a bounded outbox that survives a reload and
// is sent in order, each under its own key: a lost network loses nothing, a repeat counts once.

import { acts, newKey, say, send, toast } from "./app.js";
import { $, $$, arm, armedField, asks, away, hold, onShown, post, refresh, right, speak, whenScanned, wrong } from "./staff.js";

const locale = document.documentElement.lang;
const number = (value) => new Intl.NumberFormat(locale).format(value);
const stepOf = (line) => $(`.step[data-line="${line}"]`);
const PATH = "/api/v1/staff/walk";

/* the outbox */
const OUTBOX_KEY = "staff outbox";
const OUTBOX_MAX = 50; // more than a trolley takes before somebody looks for the network
const AGAIN_MS = 4000;
let outbox = [];
let sending = false;
try { outbox = JSON.parse(sessionStorage.getItem(OUTBOX_KEY)) ?? []; } catch { /* private mode */ }
let lost = outbox.length > 0; // what is left from before a reload waits for the network
function keep() {
  try { sessionStorage.setItem(OUTBOX_KEY, JSON.stringify(outbox)); } catch { /* private mode: kept in this page */ }
  const strip = $("#unsent");
  strip.hidden = !(lost && outbox.length);
  if (!strip.hidden) strip.textContent = say("unsent", { count: number(outbox.length) });
}
const waiting = (line) => outbox.filter((one) => one.line === line).reduce((sum, one) => sum + one.pieces, 0);
const passing = (problem) => problem.code === "no_network" || problem.code === "in_flight" || problem.status >= 500;
function put(verb, line, pieces, body) {
  if (outbox.length >= OUTBOX_MAX) { wrong(); toast(say("kept_full")); return; }
  outbox.push({ key: newKey(), path: `${PATH}/${verb}`, line, pieces, body });
  if (!navigator.onLine) { lost = true; right(); } // shown as done, and said to be kept
  keep();
  paint();
  flush();
}
async function flush() {
  if (sending) return;
  sending = true;
  hold(true);
  const before = lost;
  try {
    while (outbox.length) {
      const [one] = outbox;
      try {
        await post(one.path, one.body, one.key, () => { outbox.shift(); });
        if (!lost) right();
      } catch (problem) {
        if (away(problem)) return;
        if (passing(problem)) { lost = true; setTimeout(flush, AGAIN_MS); return; }
        outbox.shift();
        [current, chosen] = [one.line, false]; // its piece still lies on the shelf: back to where it does
        refused(one, problem);
      }
      keep();
      paint();
    }
    if (before && lost) toast(say("sent"));
    lost = false;
  } finally { sending = false; keep(); hold(false); }
}
addEventListener("online", flush);

/* the kept page follows the walk: after a reload without a network it goes on from there */
const KEEP_AFTER_MS = 1500;
let keeping;
function keepPage() {
  if (!("caches" in window) || !navigator.onLine) return;
  clearTimeout(keeping);
  keeping = setTimeout(() => caches.open("staff").then((cache) => cache.add("/staff/walk")).catch(() => {}), KEEP_AFTER_MS);
}

/* which line is shown */
let current = null;
let chosen = false; // by hand: shown although nothing of it is open
const openOf = (step) => Math.max(0, Number(step.dataset.open) - waiting(step.dataset.line));
function next(from) {
  const steps = $$(".step");
  const at = Math.max(0, steps.findIndex((one) => one.dataset.line === from));
  return [...steps.slice(at + 1), ...steps.slice(0, at + 1)].find((one) => openOf(one) > 0)?.dataset.line ?? null;
}
function paint() {
  const steps = $$(".step");
  const now = current && stepOf(current);
  if (!now || (!chosen && !openOf(now))) {
    current = now ? next(current) : (steps.find((one) => openOf(one) > 0)?.dataset.line ?? null);
    chosen = false;
  }
  for (const step of steps) {
    step.hidden = step.dataset.line !== current;
    const got = Number(step.dataset.picked) + waiting(step.dataset.line);
    $("[data-count]", step).textContent = number(got);
  }
  const staging = $("#staging");
  if (staging) staging.hidden = Boolean(current);
  const armed = $("#armed");
  if (armed) {
    armed.hidden = !current || !openOf(stepOf(current));
    const beside = current && $("h2", stepOf(current)).parentElement;
    if (beside && beside.nextElementSibling !== armed) beside.after(armed);
  }
  arm();
}
onShown(paint);
onShown(keepPage);

/* a scan */
function gtinIn(text) {
  const inLink = /\/01\/(\d{8,14})(?:\D|$)/.exec(text);
  const digits = inLink ? inLink[1] : /^\d{8,14}$/.test(text) ? text : null;
  return digits && digits.padStart(14, "0");
}
async function scanned(text) {
  const code = text.trim();
  const step = current && stepOf(current);
  if (!code || !step || !openOf(step)) return;
  const gtin = gtinIn(code);
  if (!navigator.onLine && gtin && gtin !== step.dataset.gtin) { refused({ line: current, body: { code } }, { code: "wrong_item", data: {} }); return; }
  put("picks", current, 1, { line_id: current, code, quantity: 1 });
}
whenScanned(scanned);
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "scan" || event.key !== "Enter") return;
  event.preventDefault();
  const text = event.target.value;
  event.target.value = "";
  event.target.inputMode = "none";
  scanned(text);
});

/* the picture of the right one beside what was scanned */
function plateOf(box, name) {
  box.replaceChildren();
  if (!name) return;
  box.append(Object.assign(new Image(132, 132), { src: `/pictures/${name}?w=400`, alt: "" }));
}
function refused(one, problem) {
  wrong();
  const step = stepOf(one.line);
  if (problem.code !== "wrong_item" && problem.code !== "unknown_gtin" && problem.code !== "invalid_gtin") {
    toast(problem.title || say("failed"));
    refresh();
    return;
  }
  const dialog = $("#wrong");
  const facts = problem.data ?? {};
  plateOf($("[data-plate=no]", dialog), facts.picture);
  plateOf($("[data-plate=yes]", dialog), step?.dataset.picture);
  const called = ({ name, variant }) => [name, variant].filter(Boolean).join(" · "); // often it is the variant that is wrong
  $("[data-text=no]", dialog).textContent = called(facts) || one.body.code || say("unknown_code");
  $("[data-text=yes]", dialog).textContent = called(step?.dataset ?? {});
  speak(`${say("wrong")} ${step?.dataset.name ?? ""}`);
  if (!dialog.open) dialog.showModal();
}
// A field that was moved since the dialog opened gets the focus back, but no keys: it is focused anew.
$("#wrong").addEventListener("close", () => { armedField()?.blur(); arm(); });

/* by count, later, short */
const here = () => stepOf(current).dataset;
acts.more = () => put("picks", current, 1, { line_id: current, quantity: 1 });
acts.all = () => put("picks", current, openOf(stepOf(current)), { line_id: current, quantity: openOf(stepOf(current)) });
acts.less = async () => { await post(`${PATH}/picks/undo`, { line_id: current, quantity: 1 }); };
acts.later = () => { current = next(current) ?? current; chosen = false; paint(); scrollTo(0, 0); };
acts.show = (button) => { current = button.dataset.line; chosen = true; paint(); scrollTo(0, 0); };
acts.type = () => { const field = armedField(); field.inputMode = "numeric"; field.blur(); field.focus(); };
function alternatives(dialog, found) {
  const box = $("#instead", dialog);
  for (const old of $$("label", box)) old.remove();
  const add = (value, [text, ...facts], picture, checked) => {
    const label = Object.assign(document.createElement("label"), { className: "choice" });
    label.append(Object.assign(document.createElement("input"), { type: "radio", name: "offer", value, checked }));
    if (picture) {
      const plate = Object.assign(document.createElement("span"), { className: "plate" });
      plateOf(plate, picture);
      label.append(plate);
    }
    const said = Object.assign(document.createElement("span"), { textContent: text });
    if (facts.length) said.append(Object.assign(document.createElement("small"), { textContent: facts.join(" · ") }));
    label.append(said);
    box.append(label);
  };
  add("", [found.nothing], null, true);
  // Variants of one product: what tells them apart comes first.
  for (const one of found.candidates) add(one.gtin, [one.variant || one.name, one.price, one.left_words], one.picture, false);
}
acts.short = async (button) => {
  const line = current;
  const dialog = $("#short");
  const form = $("form", dialog);
  const open = Number(here().open);
  alternatives(dialog, await send("GET", `${PATH}/lines/${line}/candidates`));
  for (const one of $$("[name=reason]", form)) one.checked = false;
  form.pieces.max = open;
  form.pieces.value = open;
  $("#short-pieces").hidden = open < 2;
  if (!(await asks(dialog, button))) return;
  const offer = $("[name=offer]:checked", form).value || null;
  await post(`${PATH}/shorts`, { line_id: line, quantity: Number(form.pieces.value), reason: form.reason.value, offer });
};

/* staging */
document.addEventListener("submit", async (event) => {
  const { stage, ticket } = event.target.dataset;
  if (!stage) return;
  event.preventDefault();
  const go = $("button", event.target);
  go.disabled = true;
  try {
    await post(`${PATH}/stages`, { task_id: stage, shelf: event.target.shelf.value.trim() });
    right();
    toast(say("staged", { ticket }));
  } catch (problem) { wrong(); toast(problem.title || say("failed")); refresh(); } finally { go.disabled = false; }
});

/* how long an offer is open */
function tick() {
  for (const one of $$("[data-until]")) {
    const left_s = Math.max(0, Math.round((Date.parse(one.dataset.until) - Date.now()) / 1000));
    one.textContent = say("left", { time: `${Math.floor(left_s / 60)}:${String(left_s % 60).padStart(2, "0")}` });
    if (!left_s && !one.dataset.over) { one.dataset.over = "yes"; refresh(); }
  }
}
setInterval(tick, 1000);
onShown(tick);

keep();
if (navigator.onLine) await flush(); // what a reload interrupted is counted before a line is chosen
paint();
tick();
