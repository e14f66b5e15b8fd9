// Passkeys: one button that adds one, or signs in with one. Without them the code by e-mail is there.

import { send } from "./app.js";
import { make, sign } from "./webauthn.js";

const $ = (query) => document.querySelector(query);
const words = JSON.parse($("#passkey-words").textContent);
const fault = (text) => { $("#passkey-fault").textContent = text; };

async function add() {
  const { publicKey } = await send("POST", "/api/v1/account/passkey-options");
  await send("POST", "/api/v1/account/passkeys", await make(publicKey));
  location.reload();
}

async function signIn() {
  const { publicKey } = await send("POST", "/api/v1/sign-in/passkey/options");
  await send("POST", "/api/v1/sign-in/passkey", await sign(publicKey));
  location.assign("/");
}

const acts = { add, "sign-in": signIn };
const said = (problem) => ({ NotAllowedError: words.cancelled, AbortError: words.cancelled, InvalidStateError: words.known }[problem.name] || problem.title || words.failed);
if (window.PublicKeyCredential) {
  const button = $("[data-passkey]");
  if (button) {
    $("[data-passkey-way]").hidden = false;
    button.addEventListener("click", async () => {
      fault("");
      button.disabled = true;
      try { await acts[button.dataset.passkey](); } catch (problem) { fault(said(problem)); }
      button.disabled = false;
      if ($("#passkey-fault").textContent) button.focus();
    });
  }
}
