// Notifications on this device (Push API). What the browser answers travels in a field of an ordinary form.

const box = document.querySelector('[data-push-key]');

const show = (state) => {
  for (const part of box.querySelectorAll('[data-push]')) part.hidden = part.dataset.push !== state;
};

const possible = () => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

async function start() {
  if (!possible()) return show('unsupported');
  if (Notification.permission === 'denied') return show('blocked');
  const worker = await navigator.serviceWorker.ready;
  const subscription = await worker.pushManager.getSubscription();
  show(subscription ? 'on' : 'off');
}

const field = (of, name, value) => (of.elements[name].value = value);

async function enable(of) {
  if ((await Notification.requestPermission()) !== 'granted') return show('blocked');
  const worker = await navigator.serviceWorker.ready;
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: box.dataset.pushKey,
  });
  field(of, 'subscription', JSON.stringify(subscription));
  field(of, 'name', navigator.userAgentData?.platform ?? navigator.platform ?? '');
  of.submit();
}

async function disable(of) {
  const worker = await navigator.serviceWorker.ready;
  const subscription = await worker.pushManager.getSubscription();
  field(of, 'endpoint', subscription?.endpoint ?? '');
  await subscription?.unsubscribe();
  of.submit();
}

const onSubmit = (of, act) =>
  of?.addEventListener('submit', (event) => {
    event.preventDefault();
    act(of).catch(() => show('failed'));
  });

if (box) {
  onSubmit(box.querySelector('form[data-push="off"]'), enable);
  onSubmit(box.querySelector('form[data-push="on"]'), disable);
  start().catch(() => show('failed'));
}
