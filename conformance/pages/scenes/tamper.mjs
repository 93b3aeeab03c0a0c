// Who tampers gets nothing: changed details, a replayed assertion, one made at another origin, one without the person.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { answered, ask, refusal, transfer } from '../lib/asks.mjs';
import { openPage } from '../lib/chromium.mjs';
import { addAuthenticator } from '../lib/authenticator.mjs';
import { complaint, openPhone, receipt } from '../lib/phone.mjs';

const PENDING = ['authorization_pending', 'slow_down'];

export default async function tamper(scene, { browser, world, options }) {
  const { planner } = world;
  const phone = await openPhone(browser, options, world, 'clara');
  const { page, authenticator } = phone;
  const stillPending = async (asked) => assert.ok(PENDING.includes(await refusal(planner, asked)));
  /** The fields of the form that was sent when `act` was done. */
  const sentBy = async (act) => {
    const sent = page.waitForRequest((request) => request.method() === 'POST' && /\/app\/requests\//.test(request.url()));
    await act();
    return new URLSearchParams((await sent).postData());
  };
  /** Sends a form as the page would; answers the status. */
  const post = async (path, fields) => {
    const answer = await page.request.post(`${world.issuer}${path}`, {
      form: Object.fromEntries(fields),
      headers: { origin: world.issuer },
      maxRedirects: 0,
    });
    return answer.status();
  };
  const here = () => new URL(page.url()).pathname;
  /** The page says that something changed, or that the device's answer does not count. */
  const refusedHere = () => page.locator('#problem, a.button[href^="/app/requests/"]').first().waitFor();
  try {
    await phone.enrol();
    let used;

    await scene('tamper: without the person the device signs nothing', async () => {
      const asked = await ask(planner, 'clara', transfer('1.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      await authenticator.verify(false);
      await phone.decide('approve');
      await complaint(page);
      await stillPending(asked);
      await authenticator.verify(true);
      used = { path: here(), fields: await sentBy(() => phone.decide('approve')) };
      await receipt(page);
      await answered(planner, asked);
      assert.ok(used.fields.get('assertion'), 'a passkey signed');
    });

    await scene('tamper: an assertion is good once, for its own request', async () => {
      assert.ok((await post(used.path, used.fields)) >= 200);
      const asked = await ask(planner, 'clara', transfer('2.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      const csrf = await page.locator('[name=csrf]').first().inputValue();
      const screen = await page.locator('[name=screen]').first().inputValue();
      const replayed = new URLSearchParams(used.fields);
      replayed.set('csrf', csrf);
      replayed.set('screen', screen);
      assert.ok((await post(here(), replayed)) >= 400);
      await stillPending(asked);
      await phone.openRequest('Kiosk');
      await phone.decide('approve');
      await receipt(page);
      await answered(planner, asked);
    });

    await scene('tamper: details that were changed after they were shown are not approved', async () => {
      const asked = await ask(planner, 'clara', transfer('3.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      await page.evaluate(() => {
        for (const [name, value] of [['narrow', '1'], ['part', 'd0'], ['amount-d0', '0.50']]) {
          const field = Object.assign(document.createElement('input'), { type: 'hidden', name, value });
          document.querySelector('#yes').append(field);
        }
      });
      await phone.decide('approve');
      await refusedHere();
      await stillPending(asked);
      await phone.openRequest('Kiosk');
      await page.evaluate(() => (document.querySelector('#yes [name=screen]').value = 'another'));
      await phone.decide('approve');
      await refusedHere();
      await stillPending(asked);
      await phone.openRequest('Kiosk');
      await phone.decide('approve');
      await receipt(page);
      await answered(planner, asked);
    });

    await scene('tamper: an assertion made at another origin approves nothing', async () => {
      const asked = await ask(planner, 'clara', transfer('4.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      const path = here();
      const { fields, given } = await page.evaluate(() => {
        const form = document.querySelector('#yes');
        return { fields: [...new FormData(form)], given: JSON.parse(form.dataset.given) };
      });
      const body = new URLSearchParams(fields);
      body.set('assertion', await elsewhere(browser, options, await authenticator.passkeys(), given));
      assert.ok((await post(path, body)) >= 400);
      await stillPending(asked);
      await phone.openRequest('Kiosk');
      await phone.decide('deny');
      await receipt(page);
    });
  } finally {
    await phone.close();
  }
}

/** A page of somebody else on the same host, which RP IDs cannot tell apart, has the same passkey sign this challenge. */
async function elsewhere(browser, options, passkeys, challenge) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Win a prize</title>');
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const origin = `http://localhost:${server.address().port}`;
  const opened = await openPage(browser, options, [origin]);
  try {
    const device = await addAuthenticator(opened.page);
    for (const passkey of passkeys) await device.take(passkey);
    await opened.page.goto(origin);
    return await opened.page.evaluate(async (options) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey ?? options);
      return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
    }, challenge);
  } finally {
    await opened.close();
    server.close();
  }
}
