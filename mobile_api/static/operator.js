// Pages of operators: the server sends the page's part whenever it has changed; a letter goes again.
// Server-rendered HTML is the truth: the part is swapped, what the reader does in it stays.

import { acts, say, send, toast } from "./app.js";

const $ = (query, root = document) => root.querySelector(query);
const $$ = (query, root = document) => [...root.querySelectorAll(query)];
const state = $("#state");
const WAIT_MS = 5000;

/* a place in the part that can be found again after it was swapped */
const FOCUSABLE = "a, button, [tabindex]";
const place = (one) => one && state.contains(one) ? $$(FOCUSABLE, state).indexOf(one) : -1;
const key = (one) => one && (one.getAttribute("href") ?? one.closest("[data-letter]")?.dataset.letter);
function show(html) {
  if (getSelection()?.toString() && state.contains(getSelection().anchorNode)) return; // she copies something
  const focused = document.activeElement;
  const [at, named] = [place(focused), key(focused)];
  const known = new Set($$("[data-keyed] > [data-key]", state).map((one) => one.dataset.key));
  const scrolled = $$(".table, .payload", state).map((one) => [one.scrollLeft, one.scrollTop]);
  state.innerHTML = html;
  $$(".table, .payload", state).forEach((one, number) => { [one.scrollLeft, one.scrollTop] = scrolled[number] ?? [0, 0]; });
  if (known.size) for (const one of $$("[data-keyed] > [data-key]", state)) if (!known.has(one.dataset.key)) one.classList.add("is-new");
  if (at >= 0) {
    const all = $$(FOCUSABLE, state);
    (all.find((one) => named && key(one) === named && one.tagName === focused.tagName) ?? all[at])?.focus({ preventScroll: true });
  }
}

function live() {
  const sign = $("#staff-live");
  const offline = $("#offline");
  const tell = (on) => {
    sign.dataset.state = on ? "on" : "waiting";
    sign.textContent = say(on ? "live" : "connecting");
    if (on) offline.hidden = true;
    else if (offline.hidden) {
      const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date());
      offline.textContent = state.dataset.offline.replace("%(time)s", time);
      offline.hidden = false;
    }
  };
  let source;
  let again;
  const open = () => {
    source?.close();
    source = new EventSource(state.dataset.live);
    source.addEventListener("open", () => tell(true));
    source.addEventListener("part", (event) => show(JSON.parse(event.data).html));
    source.addEventListener("over", () => { source.close(); location.assign(state.dataset.over); });
    source.addEventListener("error", () => {
      tell(false);
      if (source.readyState === EventSource.CLOSED) { clearTimeout(again); again = setTimeout(open, WAIT_MS); }
    });
  };
  open();
  addEventListener("online", open);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
}

acts.replay = async (button) => {
  const letter = button.closest("[data-letter]").dataset.letter;
  const dialog = $("#confirm-replay");
  $("[data-letter]", dialog).textContent = letter;
  dialog.returnValue = "";
  dialog.showModal();
  const agreed = await new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "send"), { once: true }));
  const back = () => ($(`[data-letter="${letter}"] button`, state) ?? $("#main")).focus({ preventScroll: true });
  if (!agreed) { setTimeout(back); return; }
  const answer = await send("POST", `/api/v1/operator/letters/${letter}/replay`, {});
  toast(answer.done ? dialog.dataset.done : dialog.dataset.still.replace("%(title)s", answer.title));
  setTimeout(back);
};

acts.lookedAt = async (button) => {
  const { device, finding } = button.closest("[data-finding]").dataset;
  await send("POST", `/api/v1/operator/devices/${device}/findings/${finding}/looked-at`, {});
  button.disabled = true; // the live part says so in a moment
  $("#main").focus({ preventScroll: true });
};

live();
