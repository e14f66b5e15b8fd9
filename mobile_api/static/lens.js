// The phone's camera as a scanner: the browser's own barcode reader, or a photo for the server.

const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "qr_code", "itf", "code_128"];
const HOLD_OFF_MS = 4000; // the same code is not found again while it is still in the picture
const LOOK_EVERY_MS = 120;
const PHOTO_MAX_PIXELS = 1600; // bars stay readable, and a slow network is spared

/* Return what reads codes from the camera's picture, null where the browser has none. */
export async function detector() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("ean_13")) return null;
  return new BarcodeDetector({ formats: FORMATS.filter((one) => formats.includes(one)) });
}

/* Show the camera in `video` and tell `found` of each code; return a function that ends it. */
export async function watch(reader, video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  video.srcObject = stream;
  await video.play();
  const seen = new Map();
  let last = []; // what the look before saw: of two products in the picture, both
  let timer;
  const look = async () => {
    const codes = await reader.detect(video).catch(() => []);
    for (const { rawValue } of codes) {
      // Two looks must agree: most wrong reads have a valid check digit.
      if (last.includes(rawValue) && Date.now() - (seen.get(rawValue) ?? 0) > HOLD_OFF_MS) {
        seen.set(rawValue, Date.now());
        await found(rawValue);
      }
      if (seen.get(rawValue)) seen.set(rawValue, Date.now());
    }
    last = codes.map(({ rawValue }) => rawValue);
    timer = setTimeout(look, document.hidden ? 1000 : LOOK_EVERY_MS);
  };
  look();
  return () => {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
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

/* Return the code in a photo; throws the server's problem. */
export async function readPhoto(file) {
  const form = new FormData();
  form.append("photo", await smaller(file), "photo.jpg");
  const answer = await fetch("/api/v1/cart/scan", { method: "POST", body: form });
  const read = await answer.json();
  if (!answer.ok) throw read;
  return read.gtin;
}
