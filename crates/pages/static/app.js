// Every page of /app: the service worker, the inbox that updates itself, the time that runs out.
// Without it everything can be read and denied; nothing here decides anything.

const SERVICE_WORKER = '/app/sw.js';

/** The one address that may become code; nothing else passes (Trusted Types). */
const policy = window.trustedTypes?.createPolicy('writ', {
  createScriptURL: (url) => {
    if (url !== SERVICE_WORKER) throw new TypeError(url);
    return url;
  },
});

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Says something to those who listen to the page. */
function announce(text) {
  const status = find('#status');
  if (status && text) status.textContent = text;
}

/* The installed app */

async function install() {
  if (!('serviceWorker' in navigator) || !window.isSecureContext) return;
  const url = policy ? policy.createScriptURL(SERVICE_WORKER) : SERVICE_WORKER;
  // A browser may forbid it (private windows); the pages work without.
  await navigator.serviceWorker.register(url, { scope: '/app' }).catch(() => undefined);
}

function badge() {
  const waiting = Number(document.body.dataset.waiting ?? 0);
  const set = waiting > 0 ? navigator.setAppBadge?.(waiting) : navigator.clearAppBadge?.();
  set?.catch(() => undefined);
}

/* Time that runs out */

const startedAt = Date.now();

/** Seconds that are left, by this device's own clock from when the page came: the two clocks may differ. */
function secondsLeft(element) {
  element.endsAt ??= (element.isFresh ? Date.now() : startedAt) + Number(element.dataset.left) * 1000;
  return Math.max(0, Math.ceil((element.endsAt - Date.now()) / 1000));
}

function written(seconds) {
  const minutes = Math.floor(seconds / 60);
  const two = (number) => String(number).padStart(2, '0');
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

function tick() {
  for (const element of all('[data-left]')) {
    const seconds = secondsLeft(element);
    const time = find('bdi', element);
    if (time) time.textContent = written(seconds);
    if (seconds === 0 && time && element.dataset.over) time.parentElement.textContent = element.dataset.over;
    element.classList.toggle('soon', seconds <= 60);
    if (seconds === 60) announce(element.dataset.soon);
    if (seconds === 0) over(element);
  }
}

/** At zero the answer is no: nothing can be pressed any more. */
function over(element) {
  const end = find('#over');
  if (end === null || !end.hidden || element.dataset.ends === undefined) return;
  for (const part of all('[data-until-over]')) part.hidden = true;
  end.hidden = false;
  end.focus();
}

/* The inbox */

let latest = 0;

function listen(inbox) {
  const reload = find('[data-reload]');
  const live = find('[data-live-hint]');
  const source = new EventSource(inbox.dataset.live);
  const connected = (is) => {
    if (reload) reload.hidden = is;
    if (live) live.hidden = !is;
  };
  let lost = false;
  source.addEventListener('open', () => {
    connected(true);
    // What was said meanwhile was not heard.
    if (lost) refresh();
    lost = false;
  });
  source.addEventListener('error', () => {
    connected(false);
    lost = true;
  });
  source.addEventListener('inbox', () => refresh());
  // A phone in a pocket hears nothing either.
  document.addEventListener('visibilitychange', () => !document.hidden && refresh());
  window.addEventListener('pagehide', () => source.close());
}

/** The list as it is now. The browser parses it as a document of its own, in which nothing runs. */
function refresh() {
  const turn = ++latest;
  const request = new XMLHttpRequest();
  request.open('GET', '/app');
  request.responseType = 'document';
  request.addEventListener('load', () => {
    const fresh = request.response && find('#inbox', request.response);
    // Signed out meanwhile: the page says so itself.
    if (!fresh) return location.reload();
    if (turn === latest) replace(fresh, request.response);
  });
  request.send();
}

/** What has the focus, as it is found again in a fresh page. */
function whereFocusIs() {
  const focused = document.activeElement;
  if (focused?.id) return `#${CSS.escape(focused.id)}`;
  const tab = focused?.closest('.tabs a');
  return tab ? `.tabs a[href="${CSS.escape(tab.getAttribute('href'))}"]` : undefined;
}

function replace(fresh, page) {
  const inbox = find('#inbox');
  const place = whereFocusIs();
  for (const element of all('[data-left]', fresh)) element.isFresh = true;
  inbox.replaceChildren(...fresh.childNodes);
  for (const name of ['.tabs', 'title']) {
    const [old, now] = [find(name), find(name, page)];
    if (old && now && !old.isEqualNode(now)) old.replaceWith(now);
  }
  document.body.dataset.waiting = page.body.dataset.waiting ?? '0';
  if (place) find(place)?.focus();
  announce(find('[data-says]')?.textContent.trim());
  badge();
  tick();
}

/* The clock of this device */

const OFFERED = 'writ-zone-offered';

/** Tells the server in which zone this device is, where the person has set none. Once: whoever takes it away means it. */
async function offerZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const csrf = find('input[name="csrf"]')?.value;
  if (document.body.dataset.zone !== 'unset' || !zone || !csrf) return;
  try {
    if (localStorage.getItem(OFFERED)) return;
    const body = new URLSearchParams({ csrf, setting: 'time_zone', time_zone: zone, by: 'browser' });
    const answer = await fetch('/app/settings', { method: 'POST', body });
    localStorage.setItem(OFFERED, zone);
    if (!answer.ok) return;
  } catch {
    // The page was left, or this browser remembers nothing.
    return;
  }
  const field = find('#time_zone');
  if (field && field.value === '') field.value = zone;
}

/* Start */

install();
badge();
offerZone();
if (all('[data-left]').length > 0 || find('#inbox')) {
  tick();
  setInterval(tick, 1000);
}
const inbox = find('#inbox');
if (inbox) listen(inbox);
// A page that comes back from the browser's memory shows what was, not what is.
window.addEventListener('pageshow', (event) => event.persisted && location.reload());
