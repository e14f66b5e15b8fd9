// Lets this phone be rung: asked for by a button alone, and taken back by one.

const { send } = await import(document.body.dataset.shell);

const $ = (query, root = document) => root.querySelector(query);
const part = $("#push");
const reminding = Boolean(part?.dataset.reminders); // a page of reminders, not of a queue
const able = part && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const key = () => Uint8Array.from(atob(part.dataset.key.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const same = (one, other) => one && new Uint8Array(one).every((byte, place) => byte === other[place]);

function show(on) {
  for (const [id, shown] of [["#push-on", !on], ["#push-how", !on], ["#push-is-on", on], ["#push-off", on]]) $(id, part).hidden = !shown;
  part.hidden = false;
}
function fault(text) {
  $("#push-fault", part).textContent = text;
}
async function tell(subscription, wish = {}) {
  const { endpoint, keys } = subscription.toJSON();
  return send("POST", "/api/v1/push", { endpoint, keys, ...wish });
}
async function ring() {
  fault("");
  if ((await Notification.requestPermission()) !== "granted") return fault(part.dataset.refused);
  const { pushManager } = await navigator.serviceWorker.ready;
  let subscription = await pushManager.getSubscription();
  if (subscription && !same(subscription.options.applicationServerKey, key())) {
    await subscription.unsubscribe(); // of a server with another key
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key() });
  await tell(subscription, reminding ? { reminders: true } : {});
  show(true);
  $("#push-off", part).focus();
}
async function rest() {
  fault("");
  const subscription = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
  if (subscription && reminding) {
    await tell(subscription, { reminders: false }); // it may still ring when it is her turn
  } else if (subscription) {
    await send("POST", "/api/v1/push/end", { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
  }
  show(false);
  $("#push-on", part).focus();
}
const pressed = (work) => async ({ currentTarget }) => {
  currentTarget.disabled = true;
  try { await work(); } catch { fault(part.dataset.failed); } finally { currentTarget.disabled = false; }
};
if (able) {
  $("#push-on", part).onclick = pressed(ring);
  $("#push-off", part).onclick = pressed(rest);
  const subscription = await navigator.serviceWorker.ready.then(({ pushManager }) => pushManager.getSubscription()).catch(() => null);
  const on = subscription && Notification.permission === "granted" && same(subscription.options.applicationServerKey, key());
  const told = on && (await tell(subscription).catch(() => null)); // who is here now is who is rung
  show(Boolean(reminding ? told?.reminders : on));
}
