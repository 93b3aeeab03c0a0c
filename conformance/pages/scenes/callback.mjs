// The way back to a client: its callback may redirect on to anywhere; two windows, back, reload, a second click, another person's
// login and a long time on the page lead somewhere sensible.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';
import { logIn, statusAfter } from '../lib/person.mjs';
import { ticket } from '../lib/requests.mjs';

const APP = 'com.example.writ.app:/done';

export default async function callback(scene, { browser, world, options }) {
  const { landing } = world;
  const [otherHost, otherPort] = await Promise.all(['localhost', '127.0.0.1'].map(listen));
  const opened = await openPage(browser, options, [...world.homes, otherHost.origin, otherPort.origin]);
  const { page, faults } = opened;
  /** Alice stands before the consent page of a new request. */
  const consent = async (url, where = page) => {
    await where.goto(url ?? (await ticket(world)).url.href);
    await logIn(where, 'alice');
    await where.waitForURL(/\/consent/);
  };
  const back = () => page.waitForURL(`${landing.redirectUri}?**`);
  /** The one link of an error page, by its words. */
  const onlyLink = async (where, words) => {
    const links = where.locator('main a');
    assert.equal(await links.count(), 1);
    assert.equal((await links.innerText()).trim(), words);
    return links;
  };
  try {
    for (const [what, origin] of [['host', otherHost.origin], ['port', otherPort.origin]]) {
      await scene(`callback: on to another ${what}`, async () => {
        landing.sendOn(`${origin}/done`);
        for (const [button, answer] of [['approve', 'code'], ['deny', 'error']]) {
          await consent();
          await page.click(`#consent-${button}`);
          await page.waitForURL(`${origin}/done`);
          assert.ok(landing.last().searchParams.has(answer), answer);
        }
        assert.deepEqual(faults, []);
      });
    }

    await scene('callback: on to an app', async () => {
      landing.sendOn(APP);
      // A context of its own: nothing here opens such an address, and Chromium waits with it.
      const phone = await openPage(browser, options, [...world.homes, 'null']);
      await consent(undefined, phone.page);
      const followed = phone.page.waitForEvent('request', (request) => request.url() === APP);
      await phone.page.click('#consent-approve', { noWaitAfter: true });
      await followed;
      assert.ok(landing.last().searchParams.has('code'));
      assert.deepEqual(phone.faults.filter((fault) => !fault.startsWith(`failed: ${APP}`)), []);
      await phone.close();
    });

    landing.sendOn(undefined);

    await scene('callback: reload, a long time, and then the answer', async () => {
      const { url } = await ticket(world);
      await page.clock.install();
      await page.goto(url.href);
      await page.clock.fastForward('20:00');
      await logIn(page, 'alice');
      await page.waitForURL(/\/consent/);
      await page.reload();
      await page.click('#consent-approve');
      await back();
      assert.ok(landing.last().searchParams.has('code'));
      await page.goBack();
      if (await page.locator('#consent-approve').count()) await statusAfter(page, () => page.click('#consent-approve'));
      await onlyLink(page, 'Go to your page');
      await judge(opened, 'callback answered');
    });

    await scene('callback: two windows', async () => {
      const { url } = await ticket(world);
      await consent(url.href);
      const second = await page.context().newPage();
      await second.goto(url.href);
      await second.waitForURL(/\/consent/);
      await second.click('#consent-approve');
      await second.waitForURL(`${landing.redirectUri}?**`);
      assert.equal(await statusAfter(page, () => page.click('#consent-deny')), 400);
      await onlyLink(page, 'Go to your page');
      await second.close();
    });

    await scene('callback: a second click', async () => {
      await consent();
      await page.dblclick('#consent-approve', { noWaitAfter: true });
      const answered = page.locator('main a', { hasText: 'Go to your page' });
      await Promise.race([back(), answered.waitFor()]);
      assert.equal(await page.locator('#consent-approve').count(), 0);
    });

    await scene('callback: another person logs in in another window', async () => {
      await consent();
      const second = await page.context().newPage();
      await second.goto(`${world.issuer}/login`);
      await logIn(second, 'new');
      await second.waitForURL(/\/app$/);
      await second.close();
      assert.equal(await statusAfter(page, () => page.click('#consent-approve')), 403);
      const again = await onlyLink(page, 'Start again');
      await judge(opened, 'callback start-again');
      await again.click();
      await page.waitForURL(/\/login/);
      await logIn(page, 'alice');
      await page.waitForURL(/\/consent/);
      await page.click('#consent-approve');
      await back();
      assert.ok(landing.last().searchParams.has('code'));
      assert.deepEqual(faults, []);
    });
  } finally {
    landing.sendOn(undefined);
    await opened.close();
    for (const there of [otherHost, otherPort]) await there.close();
  }
}

/** A page of somebody else. */
async function listen(host) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><html lang="en"><title>Done</title><link rel="icon" href="data:,"><p>Done');
  }).listen(0, host);
  await once(server, 'listening');
  return {
    origin: `http://${host}:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
