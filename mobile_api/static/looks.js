// A look turned under the finger: one side of the contact sheet, of all looks of the page in step.
// The sheet has its eight frames in two rows of four. Without this module the whole sheet shows.

const COLUMNS = 4;
const ROWS = 2;
const dial = document.querySelector("[data-dial]");
const turns = [...document.querySelectorAll("[data-turn]")];

function draw(turn, side) {
  const [sheet, canvas] = [turn.querySelector("[data-sheet]"), turn.querySelector("canvas")];
  const width = sheet.naturalWidth / COLUMNS;
  const height = sheet.naturalHeight / ROWS;
  if (!width) return;
  canvas.width = width;
  canvas.height = height;
  const [x, y] = [(side % COLUMNS) * width, Math.floor(side / COLUMNS) * height];
  canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height);
  canvas.dataset.side = side;
}
function show(side) {
  const range = dial.querySelector("input");
  const angle = `${range.dataset.angles.split(" ")[side]}°`;
  dial.querySelector("output").textContent = angle;
  range.setAttribute("aria-valuetext", angle);
  for (const turn of turns) {
    const [video, canvas] = [turn.querySelector("video"), turn.querySelector("canvas")];
    video.pause();
    draw(turn, side);
    canvas.hidden = false;
  }
}
if (dial && turns.length) {
  const range = dial.querySelector("input");
  dial.hidden = false;
  for (const turn of turns) {
    const video = turn.querySelector("video");
    turn.querySelector("[data-sheet]").classList.add("unseen");
    video.addEventListener("play", () => {
      for (const other of turns) {
        other.querySelector("canvas").hidden = true;
        const also = other.querySelector("video");
        if (also !== video && also.paused) { also.currentTime = video.currentTime; also.play().catch(() => {}); }
      }
    });
    video.addEventListener("pause", () => {
      for (const other of turns) if (other !== turn) other.querySelector("video").pause();
    });
  }
  range.addEventListener("input", () => show(Number(range.value)));
}
