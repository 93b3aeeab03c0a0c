// Every page of `/app` in one setting of the browser, judged.

import assert from 'node:assert/strict';

import { ask, events, payment, transfer } from '../lib/asks.mjs';
import { judge, linesOf } from '../lib/judge.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';
import { openPage } from '../lib/chromium.mjs';
import { logIn, statusAfter } from '../lib/person.mjs';

/** Who looks at it: what is denied in one setting is no pause in another. */
const PEOPLE = { 'phone, light': 'frida', 'phone, dark': 'gustav', 'desktop, light': 'hanna', 'desktop, dark': 'ida' };

export default async function app(scene, { browser, world, setting, options }) {
  const { planner, rtl } = world;
  const name = PEOPLE[setting];
  const phone = await openPhone(browser, options, world, name);
  const { page } = phone;
  const judged = (what) => judge(phone, `${setting} ${what}`);
  try {
    await scene('app: nothing waits, nobody acts, nothing happened, no device', async () => {
      for (const path of ['', '/agents', '/devices', '/settings']) {
        await phone.at(`/app${path}`);
        await judged(`app${path.replace('/', '-')}-empty`);
      }
    });

    await scene('app: the inbox, several wait', async () => {
      await ask(planner, name, transfer('412.00', 'KLM'), { binding_message: 'Code 17' });
      await ask(planner, name, payment('1280.50', 'Grand Hotel Oslo'));
      await ask(rtl, name, events('اجتماعات العمل'));
      await phone.at('/app');
      await requests(page).nth(2).waitFor();
      await judged('app-inbox');
    });

    await scene('app: the approval screen, with a password', async () => {
      await requests(page).filter({ hasText: 'Grand Hotel' }).click();
      await decision(page, 'approve').waitFor();
      await judged('approval-password');
      await page.fill('#password', 'wrong');
      assert.equal(await statusAfter(page, () => phone.decide('approve')), 422);
      await judged('approval-wrong');
    });

    await scene('app: less, and the smaller screen', async () => {
      await page.click('#less > summary');
      await judged('approval-less-form');
      await page.fill('#amount-d0', '99.90');
      await page.click('#approval-less');
      await page.waitForURL(/narrow=1/);
      await judged('approval-less');
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      await judged('receipt-less');
    });

    await scene('app: devices, with a passkey', async () => {
      await phone.enrol('My phone');
      await judged('app-devices');
    });

    await scene('app: the approval screen, with a passkey', async () => {
      await phone.openRequest('KLM');
      await judged('approval-passkey');
    });

    await scene('app: an agent whose name runs from right to left', async () => {
      await phone.at('/app');
      await requests(page).filter({ hasText: 'مساعد' }).click();
      await decision(page, 'deny').waitFor();
      await judged('approval-rtl');
      await phone.decide('deny');
      await receipt(page);
      await judged('receipt-denied');
    });

    await scene('app: approved, and then it is over', async () => {
      await phone.openRequest('KLM');
      const url = page.url();
      await phone.decide('approve');
      await receipt(page);
      await judged('receipt-approved');
      await page.goto(url);
      await judged('over-approved');
      await page.goto(`${world.issuer}/app/requests/apr_unknown`);
      await judged('over-unknown');
    });

    await scene('app: agents, activity, settings', async () => {
      for (const path of ['agents', 'activity', 'settings']) {
        await phone.at(`/app/${path}`);
        await judged(`app-${path}`);
      }
    });

    await scene('app: an agent in three lines: name, publisher, what it did last', async () => {
      await phone.at('/app/agents');
      const row = page.locator('.agent-row', { hasText: 'Travel planner' });
      assert.match(await row.innerText(), /Travel planner[^]*Acme Travel[^]*Not verified[^]*You approved/);
      const parts = ['h3', '.agent-by', '.agent-said'];
      assert.deepEqual(await Promise.all(parts.map((part) => linesOf(row.locator(part)))), [1, 1, 1]);
    });

    await scene('app: signed in elsewhere too, until it is ended', async () => {
      const elsewhere = await openPage(browser, options, world.homes);
      await elsewhere.page.goto(`${world.issuer}/login`);
      await logIn(elsewhere.page, name);
      await elsewhere.page.waitForURL(/\/app$/);
      await phone.at('/app/devices');
      await page.getByText(/Chrome on /).first().waitFor();
      await judged('app-sessions');
      assert.equal(await statusAfter(page, () => page.click('[name=sessions-end-others]')), 200);
      assert.equal(await page.locator('[name=session-end]').count(), 0);
      await elsewhere.page.goto(`${world.issuer}/app`);
      assert.match(elsewhere.page.url(), /\/login/);
      await elsewhere.close();
    });

    await scene('app: the code of a terminal, and no connection', async () => {
      await phone.at('/device');
      await judged('device');
      await page.fill('#user_code', 'BCDF-GHJK');
      assert.equal(await statusAfter(page, () => page.click('#device-submit')), 422);
      await judged('device-wrong');
      await phone.at('/app/offline');
      await judged('offline');
    });
  } finally {
    await phone.close();
  }
}
