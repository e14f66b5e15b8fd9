// A look turned under the finger, by angle: its film where the sheet says which frame shows which
// side, one of the sheet's eight frames otherwise. All looks of the page go in step, whichever way
// round each of them turned and however long it took. Without this module the whole sheet shows.

import { comment } from "./sheet.js";

const COLUMNS = 4;
const ROWS = 2;
const GAP_PX = 6; // white round each frame of a sheet
const SIDES = 8;
const MARK = "carryover turn 1\0";
const FRAMES_MAX = 1024;
const FIRST_MS = 4; // into a frame: at its very edge a browser may show the one before

// The angles in a sheet, as frames [second, view]; null: it has none, or none that we know.
export function angles(sheet) {
  const said = comment(sheet, MARK);
  return said === null ? null : frames(said);
}
function frames(text) {
  try {
    const { at_ms: times, view_deg: views } = JSON.parse(text);
    const fits = times.length > 0 && times.length <= FRAMES_MAX && times.length === views.length;
    if (!fits || ![...times, ...views].every(Number.isFinite)) return null;
    return times.map((ms, index) => [(ms + FIRST_MS) / 1000, views[index]]);
  } catch {
    return null;
  }
}
function apart(one, other) {
  return Math.abs(((((one - other + 180) % 360) + 360) % 360) - 180);
}
// Of equally good frames the first: while she stands still the film stands still.
function nearest(track, view) {
  return track.reduce((best, frame) => (apart(frame[1], view) < apart(best[1], view) ? frame : best));
}
function viewAt(track, second) {
  return track.reduce((best, frame) => (Math.abs(frame[0] - second) < Math.abs(best[0] - second) ? frame : best))[1];
}

class Turn {
  constructor(figure) {
    [this.sheet, this.video, this.canvas] = ["[data-sheet]", "video", "canvas"].map((name) => figure.querySelector(name));
    this.track = null;
    this.wanted = null;
    this.sheet.classList.add("unseen");
    this.video.addEventListener("seeked", () => this.arrived());
    this.video.addEventListener("error", () => { this.track = null; });
  }
  async learn() {
    try {
      const answer = await fetch(this.sheet.src);
      if (answer.ok) this.track = angles(await answer.arrayBuffer());
    } catch { /* offline: the eight frames that are there already */ }
  }
  get follows() {
    return this.track !== null && this.video.readyState >= HTMLMediaElement.HAVE_METADATA;
  }
  show(view) {
    if (!this.follows) return this.draw(view);
    this.canvas.hidden = true;
    const [second] = nearest(this.track, view);
    if (this.video.seeking) this.wanted = second; // a browser that is sent on while it seeks shows nothing
    else if (Math.abs(this.video.currentTime - second) > 0.001) this.video.currentTime = second;
  }
  arrived() {
    const wanted = this.wanted;
    this.wanted = null;
    if (wanted !== null && this.video.paused) this.video.currentTime = wanted;
  }
  draw(view) {
    const side = Math.round(view / (360 / SIDES)) % SIDES;
    const [wide, high] = [(this.sheet.naturalWidth - GAP_PX) / COLUMNS, (this.sheet.naturalHeight - GAP_PX) / ROWS];
    if (wide <= 0) return;
    [this.canvas.width, this.canvas.height] = [wide - GAP_PX, high - GAP_PX];
    const [x, y] = [GAP_PX + (side % COLUMNS) * wide, GAP_PX + Math.floor(side / COLUMNS) * high];
    this.canvas.getContext("2d").drawImage(this.sheet, x, y, wide - GAP_PX, high - GAP_PX, 0, 0, wide - GAP_PX, high - GAP_PX);
    this.canvas.hidden = false;
  }
}

function start(dial, turns) {
  const [range, output] = [dial.querySelector("input"), dial.querySelector("output")];
  const names = range.dataset.sides.split("|");
  let leader = null;
  const say = (view) => {
    const name = names[Math.round(view / (360 / SIDES)) % SIDES];
    output.textContent = name;
    range.setAttribute("aria-valuetext", `${name}, ${Math.round(view) % 360}°`);
  };
  const turn = (view, but = null) => {
    say(view);
    for (const one of turns) if (one !== but) one.show(view);
  };
  const keepUp = (but) => {
    if (!leader.track) return;
    const view = viewAt(leader.track, leader.video.currentTime);
    range.value = view;
    turn(view, but);
  };
  const follow = () => {
    if (leader === null) return;
    keepUp(leader);
    requestAnimationFrame(follow);
  };
  range.addEventListener("input", () => {
    leader = null;
    for (const one of turns) one.video.pause();
    turn(Number(range.value));
  });
  for (const one of turns) {
    one.video.addEventListener("play", () => {
      if (leader === one || (leader && !one.track)) return;
      const idle = leader === null;
      leader = one;
      for (const other of turns) {
        if (other === one) continue;
        if (one.track && other.follows) other.video.pause();
        else if (idle) { other.video.currentTime = one.video.currentTime; other.video.play().catch(() => {}); }
        other.canvas.hidden = true;
      }
      one.canvas.hidden = true;
      if (idle) follow();
    });
    one.video.addEventListener("pause", () => {
      if (leader !== one) return;
      keepUp(null); // a busy browser may show an older frame than where it says that it stopped
      leader = null;
      for (const other of turns) if (other !== one) other.video.pause();
    });
  }
  for (const one of turns) {
    const first = () => { if (one.follows && one.video.paused) one.show(Number(range.value)); };
    one.video.addEventListener("loadedmetadata", first);
    one.learn().then(first).then(() => { dial.dataset.tracks = turns.filter((each) => each.track).length; });
  }
  say(Number(range.value));
  dial.hidden = false;
}

const dial = document.querySelector("[data-dial]");
const found = [...document.querySelectorAll("[data-turn]")];
if (dial && found.length) start(dial, found.map((figure) => new Turn(figure)));
