// A prompt on the phone, from the moment it appears to the receipt: approved with a passkey, made less, denied, expired.

import assert from 'node:assert/strict';

import { answered, ask, events, payment, refusal, transfer } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';

export default async function approve(scene, { browser, world, options, setting }) {
  const { planner } = world;
  const phone = await openPhone(browser, options, world, 'ben');
  const { page, faults } = phone;
  try {
    await scene('inbox: what is decided elsewhere goes away by itself', async () => {
      const asked = await ask(planner, 'ben', payment('9.00', 'Bakery'));
      await phone.at('/app');
      await requests(page).filter({ hasText: 'Bakery' }).waitFor();
      const other = await openPhone(browser, { ...options, javaScriptEnabled: false }, world, 'ben');
      await other.openRequest('Bakery');
      await other.typePassword();
      await other.decide('approve');
      await other.close();
      await requests(page).filter({ hasText: 'Bakery' }).waitFor({ state: 'detached' });
      await answered(planner, asked);
    });

    await phone.enrol();

    await scene('inbox: a request appears by itself, without a reload', async () => {
      await phone.at('/app');
      assert.equal(await requests(page).count(), 0);
      let loads = 0;
      page.on('load', () => (loads += 1));
      const asked = await ask(planner, 'ben', transfer(), { binding_message: 'Code 17' });
      await requests(page).first().waitFor();
      assert.equal(loads, 0, 'the page was not loaded again');
      await requests(page).first().click();
      await phone.unfold();
      const shown = await page.locator('main').innerText();
      for (const wanted of ['Travel planner', 'KLM', '412.00', 'Code 17']) assert.ok(shown.includes(wanted), wanted);
      const [yes, no] = await Promise.all(['approve', 'deny'].map((how) => decision(page, how).boundingBox()));
      assert.ok(Math.abs(yes.height - no.height) <= 2 && no.width >= 88, 'both are easily pressed');
      await judge(phone, `${setting} approval`);
      assert.equal(await refusal(planner, asked), 'authorization_pending', 'opening approves nothing');
      await phone.decide('approve');
      await receipt(page);
      await judge(phone, `${setting} receipt`);
      const answer = await answered(planner, asked);
      const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url'));
      assert.equal(claims.approval.basis, 'passkey');
      assert.equal(claims.acr, 'urn:writ:acr:passkey');
      assert.deepEqual(answer.authorization_details.map((d) => d.instructed_amount.amount), ['412.00']);
      assert.equal(await refusal(planner, asked), 'invalid_grant', 'once');
    });

    await scene('approve less: a smaller amount is shown, signed and granted', async () => {
      const asked = await ask(planner, 'ben', transfer('300.00', 'Hotel'));
      await phone.openRequest('Hotel');
      await phone.lessen('120.00');
      assert.match(await page.locator('main').innerText(), /120\.00/);
      await judge(phone, `${setting} approval-less`);
      await phone.decide('approve');
      await receipt(page);
      const answer = await answered(planner, asked);
      assert.deepEqual(answer.authorization_details.map((d) => d.instructed_amount.amount), ['120.00']);
    });

    await scene('expired: at zero the answer is no, and the screen says so', async () => {
      const asked = await ask(planner, 'ben', events(), { requested_expiry: '10' });
      await phone.openRequest('work');
      await page.locator('#over').waitFor({ timeout: 20_000 });
      assert.equal(await decision(page, 'approve').isVisible(), false);
      await judge(phone, `${setting} approval-over`);
      // A countdown shows whole seconds: the screen is over up to one before the request is.
      await page.waitForTimeout(1_000);
      assert.equal(await refusal(planner, asked), 'expired_token');
    });

    await scene('deny: one tap, no password, and the agent hears so', async () => {
      const asked = await ask(planner, 'ben', transfer('77.00', 'Cinema'));
      await phone.openRequest('Cinema');
      await phone.decide('deny');
      await receipt(page);
      assert.equal(await refusal(planner, asked), 'access_denied');
    });

    await scene('the browser never complained, and asked nobody else', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await phone.close();
  }
}
