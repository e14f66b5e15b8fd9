// Keeps the shell and the last pages, so that the cart can be read without a network.
// Pages come from the network first; a kept one is shown only when none comes in time.
// SHELL and VERSION are put in front by the server.

const PAGES = "pages";
const PAGES_MAX = 20;
const PICTURES = "pictures";
const PICTURES_MAX = 120;
const STAFF = "staff"; // emptied at sign-out
const STAFF_MAX = 2;
const PATIENCE_MS = 4000;
// What is true only at this moment: keys, money, and the work of staff
// (but for the walk that is on).
const NEVER_KEPT = ["/account", "/sign-in", "/c/", "/claim", "/demo", "/checkout", "/here/", "/sandbox/", "/staff", "/looks"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  const kept = [VERSION, PAGES, PICTURES, STAFF];
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => !kept.includes(name)).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

async function keep(name, request, answer, max) {
  const cache = await caches.open(name);
  await cache.delete(request, { ignoreVary: true }); // one copy of a page, the last
  if (/\bno-store\b/.test(answer.headers.get("Cache-Control") ?? "")) return;
  await cache.put(request, answer);
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - max))) await cache.delete(old);
}
async function pageOf(event, name, max, instead) {
  const { request } = event;
  const cache = await caches.open(name);
  const fresh = fetch(request).then(async (answer) => {
    // Signed out from elsewhere: what was kept is of somebody who is here no more.
    if (answer.headers.get("Carryover-Session") === "over") await caches.delete(PAGES);
    if (answer.ok && !answer.redirected) event.waitUntil(keep(name, request, answer.clone(), max));
    return answer;
  });
  const kept = await cache.match(request, { ignoreVary: true });
  const late = new Promise((done) => setTimeout(done, PATIENCE_MS));
  try {
    return (await Promise.race([fresh, late])) ?? kept ?? (await fresh);
  } catch (error) {
    const last = kept ?? (instead && (await cache.match(instead, { ignoreVary: true })));
    if (last) return last;
    throw error;
  }
}
// A module names its own by their bare name: from the network, else the one that is kept.
async function fileOf(event) {
  const { request } = event;
  const named = new URL(request.url).searchParams.has("v");
  const kept = await caches.match(request);
  if (named && kept) return kept;
  try {
    const answer = await fetch(request);
    const copy = answer.clone(); // now: later its body is on its way to the page
    if (answer.ok) event.waitUntil(caches.open(VERSION).then((cache) => cache.put(request, copy)));
    return answer;
  } catch (error) {
    const last = kept ?? (await caches.match(request, { ignoreSearch: true }));
    if (last) return last;
    throw error;
  }
}
async function pictureOf(event) {
  const cache = await caches.open(PICTURES);
  const kept = await cache.match(event.request);
  if (kept) return kept;
  const answer = await fetch(event.request);
  if (answer.ok) event.waitUntil(keep(PICTURES, event.request, answer.clone(), PICTURES_MAX));
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) {
    event.respondWith(fileOf(event));
  } else if (url.pathname.startsWith("/pictures/")) {
    event.respondWith(pictureOf(event));
  } else if (request.mode === "navigate" && url.pathname === "/staff/walk") {
    event.respondWith(pageOf(event, STAFF, STAFF_MAX)); // scans go on without a network
  } else if (request.mode === "navigate" && url.pathname.startsWith("/board/")) {
    event.respondWith(pageOf(event, PAGES, PAGES_MAX));
  } else if (request.mode === "navigate" && !NEVER_KEPT.some((path) => url.pathname.startsWith(path))) {
    event.respondWith(pageOf(event, PAGES, PAGES_MAX, "/"));
  }
});

// A ring: shown whatever is open, since the browser asks for it; a page that is open is told, too.
self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data.json(); } catch { return; }
  event.waitUntil(self.registration.showNotification(told.title, {
    body: told.body, tag: told.tag, lang: told.lang, dir: told.dir, renotify: true, requireInteraction: !told.quiet,
    vibrate: told.quiet ? [] : [200, 100, 200, 100, 400], icon: SHELL.find((one) => one.includes("icon.svg")), data: { url: told.url },
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", self.location.origin);
  event.waitUntil(self.clients.matchAll({ type: "window" }).then((open) => {
    const there = open.find((one) => new URL(one.url).pathname === url.pathname);
    return there ? there.focus() : self.clients.openWindow(url.pathname);
  }));
});
