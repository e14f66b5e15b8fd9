// The phone as a scanner: its own barcode reader where the browser has one, else a photo for the server.

import { say } from "./app.js";

const $ = (query) => document.querySelector(query);
const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "qr_code", "itf"];
const HOLD_OFF_MS = 4000; // the same code is not found again while it is still in the picture
const PHOTO_MAX_PIXELS = 1600; // bars stay readable, and a slow network is spared
const fault = (text) => { $("#scan-fault").textContent = text; };

async function found(code) {
  fault("");
  const answer = await fetch(`/scan/found?code=${encodeURIComponent(code)}`);
  $("#found").innerHTML = await answer.text();
  navigator.vibrate?.(30);
}

async function watch(detector) {
  const video = $("#finder video");
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  await video.play();
  $("#finder").hidden = false;
  $("#start-camera").hidden = true;
  const seen = new Map();
  let last = "";
  const look = async () => {
    const codes = await detector.detect(video).catch(() => []);
    for (const { rawValue } of codes) {
      // Two looks must agree: most wrong reads have a valid check digit.
      if (rawValue === last && Date.now() - (seen.get(rawValue) ?? 0) > HOLD_OFF_MS) {
        seen.set(rawValue, Date.now());
        await found(rawValue).catch(() => fault(say("no_network")));
      }
      if (seen.get(rawValue)) seen.set(rawValue, Date.now());
      last = rawValue;
    }
    setTimeout(look, document.hidden ? 1000 : 120);
  };
  look();
}

async function smaller(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, PHOTO_MAX_PIXELS / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob((blob) => done(blob ?? file), "image/jpeg", 0.9));
  } catch { return file; }
}

$("#photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  fault("");
  $("#found").innerHTML = '<div class="card found pulse"><span class="plate"></span><span class="skeleton"></span></div>';
  try {
    const form = new FormData();
    form.append("photo", await smaller(file), "photo.jpg");
    const answer = await fetch("/api/v1/cart/scan", { method: "POST", body: form });
    const read = await answer.json();
    if (!answer.ok) throw read;
    await found(read.gtin);
  } catch (problem) {
    $("#found").innerHTML = "";
    fault(problem.code === "payload_too_large" ? say("too_large") : problem.code === "unreadable_photo" ? say("no_code") : problem.title || say("no_network"));
  } finally { event.target.value = ""; }
});

$("#typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = event.target.code.value.trim();
  if (code) found(code).catch(() => fault(say("no_network")));
});

const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
if (formats.includes("ean_13") && navigator.mediaDevices) {
  $("#start-camera").hidden = false;
  $("#photo-button").classList.add("plain");
  const detector = new BarcodeDetector({ formats: FORMATS.filter((one) => formats.includes(one)) });
  $("#start-camera").addEventListener("click", () => watch(detector).catch(() => fault(say("no_camera"))));
}
