// A passkey as staff's second factor: added on her page, asked for at the door.

import { make, sign } from "./webauthn.js";

const $ = (query) => document.querySelector(query);
const way = $("#factor");
const words = JSON.parse($("#factor-words").textContent);
const fault = (text) => { $("#factor-fault").textContent = text; };
async function post(path, body) {
  const json = !(body instanceof URLSearchParams);
  const answer = await fetch(path, {
    method: "POST",
    headers: { Accept: "application/json", ...(json && { "Content-Type": "application/json" }) },
    body: json ? JSON.stringify(body) : body,
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw said;
  return said;
}
async function add(form) {
  const { publicKey } = await post("/staff/second/passkey-options", new URLSearchParams(new FormData(form)));
  await post("/staff/second/passkeys", await make(publicKey));
  location.reload();
}
async function enter(form) {
  const { publicKey } = await post("/staff/code/passkey-options", new URLSearchParams());
  const back = new URLSearchParams({ back: form.elements.back.value });
  const { to } = await post(`/staff/code/passkey?${back}`, await sign(publicKey));
  location.assign(to);
}
if (window.PublicKeyCredential) {
  way.hidden = false;
  way.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = way.querySelector("button");
    fault("");
    button.disabled = true;
    try { await { add, enter }[way.dataset.act](way); } catch (problem) {
      fault({ NotAllowedError: words.cancelled, AbortError: words.cancelled, InvalidStateError: words.known }[problem.name] || problem.title || words.failed);
    }
    button.disabled = false;
  });
}
