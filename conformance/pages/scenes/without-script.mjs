// A phone without scripts: the request is read and denied, and approved where a password is enough, as of whoever has no passkey.
// A passkey needs scripts, and the page says so.

import assert from 'node:assert/strict';

import { answered, ask, payment, refusal, transfer } from '../lib/asks.mjs';
import { decision, openPhone, receipt } from '../lib/phone.mjs';

export default async function withoutScript(scene, { browser, world, options }) {
  const { planner } = world;
  const phone = await openPhone(browser, { ...options, javaScriptEnabled: false }, world, 'dora');
  const { page, faults } = phone;
  try {
    await scene('no script: read, and approved with the password', async () => {
      const asked = await ask(planner, 'dora', payment('12.00', 'Bakery'));
      await phone.openRequest('Bakery');
      assert.match(await page.locator('main').innerText(), /12\.00/);
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      const answer = await answered(planner, asked);
      assert.equal(answer.authorization_details.length, 1);
    });

    await scene('no script: made less, by a form alone', async () => {
      const asked = await ask(planner, 'dora', payment('20.00', 'Bakery'));
      await phone.openRequest('Bakery');
      await phone.lessen('5.00');
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      const answer = await answered(planner, asked);
      assert.equal(answer.authorization_details[0].instructed_amount.amount, '5.00');
    });

    await scene('no script: a passkey is out of reach, denying is not', async () => {
      const scripted = await openPhone(browser, options, world, 'dora');
      await scripted.enrol();
      await scripted.close();
      const asked = await ask(planner, 'dora', transfer('30.00', 'Bakery'));
      await phone.openRequest('Bakery');
      assert.equal(await page.locator('[name=password]').count(), 0, 'a password is not enough here');
      assert.equal(await decision(page, 'approve').isEnabled(), false);
      await phone.decide('deny');
      await receipt(page);
      assert.equal(await refusal(planner, asked), 'access_denied');
    });

    await scene('no script: the browser never complained', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await phone.close();
  }
}
