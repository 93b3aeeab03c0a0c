// The installable app: manifest, service worker, and a push message that was encrypted by the server, decrypted by
// `http_ece` and handed to the service worker by the DevTools protocol.

import assert from 'node:assert/strict';

import { ask, transfer } from '../lib/asks.mjs';
import { openPhone } from '../lib/phone.mjs';
import { browserKeys } from '../../openid-client/lib/subscription.mjs';

/** In milliseconds. */
const SHOWN_WITHIN = 20_000;
const PATH = '/installed';

export default async function installed(scene, { browser, world, options }) {
  const { planner, receiver } = world;
  const phone = await openPhone(browser, options, world, 'emil');
  const { page, faults } = phone;
  const session = await page.context().newCDPSession(page);
  try {
    await scene('installed: the manifest makes it an app', async () => {
      await phone.at('/app');
      const { url, errors } = await session.send('Page.getAppManifest');
      assert.deepEqual(errors, []);
      const manifest = await (await page.request.get(url)).json();
      assert.equal(manifest.display, 'standalone');
      assert.equal(new URL(manifest.start_url, url).pathname, '/app');
      const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
      // Of all that could be wrong only this is: the browser keeps nothing of these scenes.
      assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
      for (const { src } of manifest.icons) {
        assert.equal((await page.request.get(new URL(src, url).href)).status(), 200, src);
      }
    });

    await scene('installed: a push shows a notification that opens the request, and says nothing more', async () => {
      await page.context().grantPermissions(['notifications'], { origin: world.issuer });
      const versions = [];
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => versions.push(...registrations));
      await session.send('ServiceWorker.enable');
      await phone.at('/app/devices');
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
      const device = browserKeys();
      receiver.answer(PATH, () => true, { status: 201 });
      const csrf = await page.locator('[name=csrf]').first().inputValue();
      const subscription = JSON.stringify({ endpoint: `${receiver.origin}${PATH}`, keys: device.keys });
      const added = await page.request.post(`${world.issuer}/app/devices/push`, {
        form: { csrf, subscription, name: 'Phone' },
        headers: { origin: world.issuer },
      });
      assert.ok(added.ok());
      await ask(planner, 'emil', transfer('55.00', 'Florist'));
      const [message] = await receiver.requests(PATH, () => true);
      const { registrationId } = versions.at(-1);
      await session.send('ServiceWorker.deliverPushMessage', {
        origin: world.issuer,
        registrationId,
        data: device.decrypt(message.body),
      });
      // Not by `waitForFunction`: to it the promise of an async function is true at once.
      const notification = await page.evaluate(async (deadline) => {
        const registration = await navigator.serviceWorker.ready;
        for (const end = Date.now() + deadline; Date.now() < end; ) {
          const [first] = await registration.getNotifications();
          if (first) return { title: first.title, body: first.body, data: first.data };
          await new Promise(requestAnimationFrame);
        }
        throw new Error('no notification was shown');
      }, SHOWN_WITHIN);
      assert.ok(notification.title.length > 0);
    });

    await scene('installed: the browser never complained', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await phone.close();
  }
}
