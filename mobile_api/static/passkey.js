// Passkeys: one button that adds one, or signs in with one. Without them the code by e-mail is there.

import { send } from "./app.js";

const $ = (query) => document.querySelector(query);
const words = JSON.parse($("#passkey-words").textContent);
const fault = (text) => { $("#passkey-fault").textContent = text; };

/* the standard's JSON, which not every browser can read and write by itself yet */
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
const answered = ({ id, rawId, type, response }, members) => ({
  id, rawId: text(rawId), type,
  response: Object.fromEntries(members.filter((one) => response[one]).map((one) => [one, text(response[one])])),
});

async function add() {
  const { publicKey } = await send("POST", "/api/v1/account/passkey-options");
  const made = await navigator.credentials.create({ publicKey: {
    ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: named(publicKey.excludeCredentials),
  } });
  await send("POST", "/api/v1/account/passkeys", answered(made, ["clientDataJSON", "attestationObject"]));
  location.reload();
}

async function signIn() {
  const { publicKey } = await send("POST", "/api/v1/sign-in/passkey/options");
  const signed = await navigator.credentials.get({ publicKey: {
    ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: named(publicKey.allowCredentials),
  } });
  await send("POST", "/api/v1/sign-in/passkey", answered(signed, ["clientDataJSON", "authenticatorData", "signature", "userHandle"]));
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
