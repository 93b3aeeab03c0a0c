// Level `liveness`: from the request to the verifier's page and back, and then the passkey; in English and in German.

import assert from 'node:assert/strict';

import { answered, ask, refusal, wire } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { decision, openPhone, receipt } from '../lib/phone.mjs';

export default async function liveness(scene, { browser, world, options, setting }) {
  const { planner, seer } = world;
  const phone = await openPhone(browser, options, world, 'karla');
  const { page, faults } = phone;
  const first = page.locator('#approval-liveness');
  const there = async () => {
    await first.click();
    await page.waitForURL(`${seer.origin}/**`);
  };
  const back = async () => {
    await page.click('#seen');
    await page.waitForURL(`${world.issuer}/**`);
  };
  try {
    await phone.enrol();

    await scene('liveness: there and back, then the passkey', async () => {
      const asked = await ask(planner, 'karla', wire('900.00', 'Shipyard'));
      await phone.openRequest('Shipyard');
      assert.equal(await decision(page, 'approve').count(), 0, 'not before somebody was seen');
      const [yes, no] = await Promise.all([first, decision(page, 'deny')].map((one) => one.boundingBox()));
      assert.ok(Math.abs(yes.height - no.height) <= 2 && no.width >= 88, 'both are easily pressed');
      await judge(phone, `${setting} liveness`);
      await there();
      const screen = seer.last().challenge;
      assert.match(screen, /^[A-Za-z0-9_-]{43}$/);
      assert.doesNotMatch(JSON.stringify(seer.last()), /karla|usr_/);
      await back();
      assert.equal(await page.locator('#yes [name=screen]').inputValue(), screen, 'the same screen');
      await judge(phone, `${setting} liveness-seen`);
      assert.equal(await refusal(planner, asked), 'authorization_pending', 'nothing is approved yet');
      await phone.decide('approve');
      await receipt(page);
      await judge(phone, `${setting} liveness-receipt`);
      const answer = await answered(planner, asked);
      const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url'));
      assert.equal(claims.approval.basis, 'liveness');
      assert.equal(claims.acr, 'urn:writ:acr:liveness');
    });

    await scene('liveness: less is another screen, and comes back as it was left', async () => {
      const asked = await ask(planner, 'karla', wire('300.00', 'Hotel'));
      await phone.openRequest('Hotel');
      await phone.lessen('120.00');
      await there();
      await back();
      assert.match(await page.locator('main').innerText(), /120\.00/);
      await phone.decide('approve');
      await receipt(page);
      const answer = await answered(planner, asked);
      assert.deepEqual(answer.authorization_details.map((d) => d.instructed_amount.amount), ['120.00']);
    });

    await scene('liveness: in German, and the way there without a script', async () => {
      await ask(planner, 'karla', wire('55.00', 'Kino'));
      const plain = await openPhone(browser, { ...options, locale: 'de-DE', javaScriptEnabled: false }, world, 'karla');
      await plain.openRequest('Kino');
      assert.match(await plain.page.locator('body').innerText(), /Zeigen, dass Sie es sind/);
      await plain.page.click('#approval-liveness');
      await plain.page.waitForURL(`${seer.origin}/**`);
      assert.equal(seer.last().ui_locales, 'de');
      await plain.page.click('#seen');
      await plain.page.waitForURL(`${world.issuer}/**`);
      assert.match(await plain.page.locator('main').innerText(), /Sie wurden gesehen/);
      assert.deepEqual(plain.faults, []);
      await plain.close();
    });

    await scene('liveness: who was not seen alive approves nothing', async () => {
      const asked = await ask(planner, 'karla', wire('77.00', 'Cinema'));
      await phone.openRequest('Cinema');
      for (const [finding, words] of [
        [{ result: 'not_live' }, /did not count/],
        [{ challenge: 'A'.repeat(43) }, /something else/],
      ]) {
        seer.finds(finding);
        await there();
        await back();
        assert.match(await page.locator('#problem').innerText(), words);
        assert.equal(await decision(page, 'approve').count(), 0);
        await judge(phone, `${setting} liveness-refused`);
      }
      seer.finds({});
      assert.equal(await refusal(planner, asked), 'authorization_pending');
      await phone.decide('deny');
      await receipt(page);
    });

    await scene('liveness: the browser never complained', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await phone.close();
  }
}
