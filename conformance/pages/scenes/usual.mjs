// What a person is warned of, by their own clock: a payee for the first time, more than usual; and what their agents were allowed.

import assert from 'node:assert/strict';

import { answered, ask, payment } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { openPhone, receipt } from '../lib/phone.mjs';

const FIRST = /You haven't paid this account before\./;
const MORE = /Your largest: EUR\s30\.00\./;
const KATHMANDU = /\d\d:\d\d UTC\+05:45/;

export default async function usual(scene, { browser, world, options, setting }) {
  const { planner } = world;
  const phone = await openPhone(browser, { ...options, timezoneId: 'Asia/Kathmandu' }, world, 'lena');
  const { page, faults } = phone;
  const shown = () => page.locator('main').innerText();
  const pay = async (amount, name) => {
    const asked = await ask(planner, 'lena', payment(amount, name));
    await phone.openRequest(name);
    await phone.unfold();
    const words = await shown();
    await phone.typePassword();
    await phone.decide('approve');
    await receipt(page);
    await answered(planner, asked);
    return words;
  };
  try {
    await scene('the browser says its time zone once, where none is set', async () => {
      await page.waitForFunction(() => localStorage.getItem('writ-zone-offered') !== null);
      await phone.at('/app/settings');
      // Chromium calls it by its older name.
      assert.match(await page.inputValue('#time_zone'), /^Asia\/Kath?mandu$/);
      assert.equal(await page.locator('#offset').count(), 0, 'quiet hours follow the zone');
      await judge(phone, `${setting} settings-zone`);
      await page.fill('#time_zone', 'Europe/Atlantis');
      await page.click('#preferences-save');
      await page.getByText('There is no time zone of that name.').waitFor();
      await judge(phone, `${setting} settings-zone-wrong`);
    });

    await scene('a payee for the first time, and the second time not', async () => {
      const first = await pay('10.00', 'Bakery');
      assert.match(first, FIRST);
      assert.match(first, KATHMANDU);
      assert.doesNotMatch(first, /\d UTC(?!\+)/, 'every time is hers');
      await page.click('#evidence > summary');
      assert.match(await shown(), FIRST, 'the receipt keeps what was shown');
      assert.doesNotMatch(await pay('30.00', 'Florist'), FIRST);
      await pay('20.00', 'Cinema');
    });

    await scene('more than usual', async () => {
      await ask(planner, 'lena', payment('900.00', 'Jeweller'));
      await phone.openRequest('Jeweller');
      assert.match(await shown(), MORE);
      await judge(phone, `${setting} approval-more`);
    });

    await scene('my agents say what was approved', async () => {
      const asked = await ask(planner, 'lena', payment('5.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      await phone.at('/app/agents');
      await page.locator('article details summary').first().click();
      const words = await shown();
      assert.match(words, /EUR\s60\.00 in 3 decisions/);
      await judge(phone, `${setting} agents-approved`);
      await answered(planner, asked);
    });

    await scene('the browser never complained, and asked nobody else', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await phone.close();
  }
}
