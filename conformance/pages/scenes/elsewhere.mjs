// A consent on another device than the browser that asks: that browser shows a number and goes on by itself, the phone asks for the number and signs.

import assert from 'node:assert/strict';

import { redeem } from '../../openid-client/lib/journey.mjs';
import { browserKeys } from '../../openid-client/lib/subscription.mjs';
import { openPage } from '../lib/chromium.mjs';
import { judge, picture } from '../lib/judge.mjs';
import { logIn } from '../lib/person.mjs';
import { openPhone, receipt } from '../lib/phone.mjs';
import { ticket } from '../lib/requests.mjs';

const PATH = '/elsewhere';

export default async function elsewhere(scene, { browser, world, options, setting }) {
  const { landing, receiver } = world;
  const phone = await openPhone(browser, options, world, 'emil');
  const computer = await openPage(browser, options, world.homes);
  const { page } = computer;
  try {
    await scene('elsewhere: the browser that asks shows a number, the phone signs, and the browser goes on by itself', async () => {
      await phone.enrol();
      receiver.answer(PATH, () => true, { status: 201 });
      const csrf = await phone.page.locator('[name=csrf]').first().inputValue();
      const subscription = JSON.stringify({ endpoint: `${receiver.origin}${PATH}`, keys: browserKeys().keys });
      const added = await phone.page.request.post(`${world.issuer}/app/devices/push`, {
        form: { csrf, subscription, name: 'Phone' },
        headers: { origin: world.issuer },
      });
      assert.ok(added.ok());
      const asked = await ticket(world);
      await page.goto(asked.url.href);
      await logIn(page, 'emil');
      await page.locator('#consent-elsewhere').waitFor();
      await judge(computer, `${setting} elsewhere`);
      await page.click('#consent-elsewhere');
      const number = await page.locator('#number-to-match').innerText();
      await picture(page, `${setting} elsewhere-number`);
      await phone.openRequest('412.00');
      await phone.page.locator('#number').waitFor();
      await judge(phone, `${setting} approval-elsewhere`);
      assert.match(await phone.page.locator('main').innerText(), /Which number does that browser show\?/);
      await phone.page.fill('#number', number);
      await phone.decide('approve');
      await receipt(phone.page);
      await page.waitForURL(`${landing.origin}/**`);
      const answer = await redeem(asked.application, { callback: landing.last(), checks: asked.checks });
      assert.ok(answer.access_token);
      assert.deepEqual([phone.faults, computer.faults], [[], []]);
    });
  } finally {
    await computer.close();
    await phone.close();
  }
}
