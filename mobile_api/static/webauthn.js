// The standard's JSON of WebAuthn, which not every browser can read and write by itself yet.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
const answered = ({ id, rawId, type, response }, members) => ({
  id, rawId: text(rawId), type,
  response: Object.fromEntries(members.filter((one) => response[one]).map((one) => [one, text(response[one])])),
});

export async function make(publicKey) {
  const made = await navigator.credentials.create({ publicKey: {
    ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: named(publicKey.excludeCredentials),
  } });
  return answered(made, ["clientDataJSON", "attestationObject"]);
}
export async function sign(publicKey) {
  const signed = await navigator.credentials.get({ publicKey: {
    ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: named(publicKey.allowCredentials),
  } });
  return answered(signed, ["clientDataJSON", "authenticatorData", "signature", "userHandle"]);
}
