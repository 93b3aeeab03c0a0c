// The service worker of /app: shows what is pushed, opens its page, and says so when there is no connection.
// It keeps our own static files and the page without a connection, and nothing that belongs to a person.

const KEPT = 'writ-1';
const OFFLINE = '/app/offline';
const MOST_KEPT = 40;

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(offline));
  else if (pathname.startsWith('/static/')) event.respondWith(kept(request));
});

async function install() {
  const cache = await caches.open(KEPT);
  const answer = await fetch(OFFLINE, { cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  const files = (await answer.clone().text()).match(/\/static\/[\w.-]+/g) ?? [];
  await cache.put(OFFLINE, answer);
  await cache.addAll([...new Set(files)]);
  await self.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name !== KEPT);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function offline() {
  return (await caches.match(OFFLINE)) ?? Response.error();
}

async function kept(request) {
  const found = await caches.match(request);
  if (found) return found;
  const answer = await fetch(request);
  // What names its content never changes; other files are the network's.
  if (answer.ok && answer.headers.get('cache-control')?.includes('immutable')) {
    await keep(request, answer.clone());
  }
  return answer;
}

async function keep(request, answer) {
  const cache = await caches.open(KEPT);
  await cache.put(request, answer);
  const requests = await cache.keys();
  const eldest = requests.filter(({ url }) => new URL(url).pathname !== OFFLINE);
  await Promise.all(eldest.slice(0, Math.max(0, eldest.length - MOST_KEPT)).map((one) => cache.delete(one)));
}

/* What is pushed: it opens a page and approves nothing. */

self.addEventListener('push', (event) => event.waitUntil(notify(event)));
self.addEventListener('notificationclick', (event) => event.waitUntil(open(event)));

function notify({ data }) {
  let message = {};
  try {
    message = data?.json() ?? {};
  } catch {
    // Not ours: the browser still wants something to be shown.
  }
  const { title = 'Writ', body = '', url = '/app', tag = 'writ' } = message;
  return self.registration.showNotification(title, {
    body,
    tag,
    renotify: true,
    data: { url: ours(url) },
    icon: '/static/icon-192.png',
    badge: '/static/icon-192.png',
  });
}

/** A path of /app, whatever was sent. */
function ours(url) {
  const { origin, pathname, search } = new URL(url, self.location.origin);
  const inside = origin === self.location.origin && (pathname === '/app' || pathname.startsWith('/app/'));
  return inside ? pathname + search : '/app';
}

async function open({ notification }) {
  notification.close();
  const { url } = notification.data;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === url);
  if (there) return there.focus();
  return self.clients.openWindow(url);
}
