// Her look from the front in another colour of what she tried on, folds and shade kept. Painted here,
// on the picture that this phone alone opens: by the pixels that the mirror says are the garment, and
// as the mirror does it (store_devices/mirror/recolour.py and front.py; the same figures).

import { comment } from "./sheet.js";

const MARK = "carryover front 1\0";
const [COLUMNS, ROWS, GAP_PX] = [4, 2, 6]; // of a contact sheet; its first picture is the front
const GAMMA = 2.2;
const LUMINANCE = [0.0722, 0.7152, 0.2126]; // of blue, green, red
const DARK = 0.012; // linear light under which a camera's colours are noise
const GUESS_BELOW = 5 * DARK;
const ALIKE_MAX = 0.34; // logarithms of the channels' shares: more is another colour
const LIGHT = [0.18, 3];
const NEWER_WINS = 0.15; // of two that are as alike: what was brought in last
const LAMP = [0.7, 1.4];

const TABLE = Float32Array.from({ length: 256 }, (_, value) => (value / 255) ** GAMMA);
const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const clip = (value, [low, high]) => Math.min(high, Math.max(low, value));
const swatch = (hex) => [5, 3, 1].map((at) => TABLE[Number.parseInt(hex.slice(at, at + 2), 16)]);

function tint(colour) {
  const share = colour.map((one) => Math.log(one + DARK));
  const mean = (share[0] + share[1] + share[2]) / 3;
  return share.map((one) => one - mean);
}

// How far the garment is off a swatch; null: it is none of this colour at all.
export function off(seen, told) {
  const light = (dot(seen, LUMINANCE) + DARK) / (dot(told, LUMINANCE) + DARK);
  const [one, other] = [tint(seen), tint(told)];
  const far = Math.max(...one.map((value, index) => Math.abs(value - other[index])));
  return far <= ALIKE_MAX && light >= LIGHT[0] && light <= LIGHT[1] ? far : null;
}

// The garment on a sheet's front: its mask (0 to 1, softened at the rim) and colour; null: none is told.
export function garment(sheet, wide, high) {
  const said = comment(sheet, MARK);
  if (said === null) return null;
  try {
    const { runs, colour } = JSON.parse(said);
    if (runs.reduce((sum, run) => sum + run, 0) !== wide * high || colour.length !== 3) return null;
    const mask = new Float32Array(wide * high);
    let at = 0;
    runs.forEach((run, index) => { mask.fill(index % 2, at, at + run); at += run; });
    return { mask: softened(mask, wide, high), colour };
  } catch {
    return null;
  }
}

// Three by three, 1 2 1 each way: as the mirror blurs the rim.
function softened(mask, wide, high) {
  const across = new Float32Array(mask.length);
  const soft = new Float32Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    const x = at % wide;
    across[at] = (mask[x ? at - 1 : at + 1] + 2 * mask[at] + mask[x < wide - 1 ? at + 1 : at - 1]) / 4;
  }
  for (let at = 0; at < mask.length; at++) {
    const y = Math.floor(at / wide);
    const [up, down] = [y ? at - wide : at + wide, y < high - 1 ? at + wide : at - wide];
    soft[at] = (across[up] + 2 * across[at] + across[down]) / 4;
  }
  return soft;
}

// A dark coat's noise would be a red one's speckles: a bilateral filter, where the garment is.
function calmed(shade, mask, wide) {
  const reach = 3;
  return shade.map((middle, at) => {
    if (!mask[at]) return middle;
    let [sum, weights] = [0, 0];
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const away = dx * dx + dy * dy;
        const there = shade[at + dy * wide + dx];
        if (away > reach * reach || there === undefined) continue;
        const weight = Math.exp(-away / 18 - (there - middle) ** 2 / 0.32);
        sum += weight * there;
        weights += weight;
      }
    }
    return sum / weights;
  });
}

// Paints into pixels (ImageData) the garment, whose swatch was `was`, in `wanted`; both linear.
export function paint(pixels, worn, was, wanted) {
  const { data, width } = pixels;
  const bright = dot(was, LUMINANCE);
  let shade = new Float32Array(worn.mask.length);
  for (let at = 0; at < shade.length; at++) {
    const seen = [TABLE[data[4 * at + 2]], TABLE[data[4 * at + 1]], TABLE[data[4 * at]]];
    shade[at] = dot(seen, LUMINANCE) / Math.max(bright, 1e-4);
  }
  if (bright < GUESS_BELOW) shade = calmed(shade, worn.mask, width);
  // The lamp: what the camera makes of the old swatch, beside the swatch itself.
  const raw = worn.colour.map((one, index) => (one + DARK / 4) / (was[index] + DARK / 4));
  const mean = Math.max((raw[0] + raw[1] + raw[2]) / 3, 1e-4);
  const lamp = raw.map((one) => clip(one / mean, LAMP));
  const level = dot(lamp.map((one, index) => one * was[index]), LUMINANCE) / Math.max(bright, 1e-4);
  for (let at = 0; at < shade.length; at++) {
    const cover = worn.mask[at];
    if (!cover) continue;
    for (let channel = 0; channel < 3; channel++) {
      const index = 4 * at + 2 - channel; // blue, green, red; the picture has them the other way
      const painted = (wanted[channel] * lamp[channel] * shade[at]) / level;
      const mixed = clip(TABLE[data[index]] * (1 - cover) + painted * cover, [0, 1]);
      data[index] = Math.round(255 * mixed ** (1 / GAMMA));
    }
  }
}

// Which of the groups of colours is what she wears; the first is what she brought in last.
function wornOf(groups, colour) {
  let [best, bestOff] = [null, ALIKE_MAX];
  for (const group of [...groups].reverse()) {
    const far = off(colour, swatch(group.dataset.worn));
    if (far !== null && far <= bestOff + NEWER_WINS) [best, bestOff] = [group, Math.min(far, bestOff)];
  }
  return best;
}

async function start(section) {
  const image = document.querySelector("[data-sheet]");
  const answer = await fetch(image.src);
  if (!answer.ok) return;
  await image.decode();
  const [wide, high] = [
    (image.naturalWidth - GAP_PX) / COLUMNS - GAP_PX,
    (image.naturalHeight - GAP_PX) / ROWS - GAP_PX,
  ];
  const worn = garment(await answer.arrayBuffer(), wide, high);
  const group = worn && wornOf(section.querySelectorAll("[data-worn]"), worn.colour);
  if (!group) return; // an older mirror's, or what she tried on is not on the picture
  const canvas = section.querySelector("canvas");
  [canvas.width, canvas.height] = [wide, high];
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const was = swatch(group.dataset.worn);
  const show = (button) => {
    for (const one of group.querySelectorAll("button")) one.setAttribute("aria-pressed", one === button);
    brush.drawImage(image, GAP_PX, GAP_PX, wide, high, 0, 0, wide, high);
    const painted = !("own" in button.dataset);
    if (painted) {
      const pixels = brush.getImageData(0, 0, wide, high);
      paint(pixels, worn, was, swatch(button.dataset.hex));
      brush.putImageData(pixels, 0, 0);
    }
    canvas.setAttribute("aria-label", button.dataset.said);
    section.querySelector("[data-painted]").hidden = !painted;
    section.querySelector("[data-guess]").hidden = !painted || dot(was, LUMINANCE) >= GUESS_BELOW;
  };
  for (const button of group.querySelectorAll("button")) button.addEventListener("click", () => show(button));
  group.hidden = false;
  show(group.querySelector("[data-own]"));
  section.hidden = false;
}

const section = document.querySelector("[data-tints]");
if (section) start(section).catch(() => { /* offline: the look is there without it */ });
