// Fitting rooms: clocks that count up by the server's time, a ring for what is new, the answers.

import { acts, say } from "./app.js";
import { $, $$, onShown, post, ring, speak } from "./staff.js";

const PATH = "/api/v1/staff/rooms";
const FRESH_MS = 6000; // how long a new card stands out
const state = $("#state");
const after = { warm: Number(state.dataset.warmAfterS), hot: Number(state.dataset.hotAfterS) };
const two = new Intl.NumberFormat(document.documentElement.lang, { minimumIntegerDigits: 2, useGrouping: false });
const one = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: false });

/* this device's clock may be wrong: what counts is how far it is from the server's */
let ahead_ms = Date.now() - Date.parse(state.dataset.now);
function tick() {
  for (const card of $$("[data-wish]", state)) {
    const clock = $("[data-since]", card);
    const waited_s = Math.max(0, Math.floor((Date.now() - ahead_ms - Date.parse(clock.dataset.since)) / 1000));
    clock.textContent = `${one.format(Math.floor(waited_s / 60))}:${two.format(waited_s % 60)}`;
    if (card.dataset.state === "coming") continue; // she knows that it comes
    card.classList.toggle("late", waited_s >= after.hot);
    card.classList.toggle("soon", waited_s >= after.warm && waited_s < after.hot);
  }
}

/* what was not there before rings, once */
const fresh = new Map();
const names = () => $$("[data-wish]", state).map((card) => card.dataset.wish);
let known = new Set(names());
function ringNew() {
  const now = names();
  const arrived = now.filter((name) => !known.has(name));
  known = new Set(now);
  for (const name of arrived) fresh.set(name, setTimeout(() => { fresh.delete(name); mark(); }, FRESH_MS));
  mark(); // the cards may have been drawn anew
  if (!arrived.length) return;
  ring();
  speak(arrived.map((name) => say("room_asks", { room: $(`[data-wish="${name}"]`, state).dataset.room })).join(" "));
}
function mark() {
  for (const card of $$("[data-wish]", state)) card.classList.toggle("fresh", fresh.has(card.dataset.wish));
}

onShown((answer) => {
  if (answer?.now) ahead_ms = Date.now() - Date.parse(answer.now);
  ringNew();
  tick();
});
setInterval(tick, 1000);
tick();

acts.room = ({ dataset }) => post(`${PATH}/${dataset.step}`);
acts["room-instead"] = ({ dataset }) => post(`${PATH}/${dataset.step}`, { gtin: dataset.gtin });
