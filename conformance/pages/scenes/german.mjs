// The same pages in German, by the browser's wish and by the person's own; nothing of the catalogue stays English.

import assert from 'node:assert/strict';

import { ask, transfer } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { openPhone, receipt, requests } from '../lib/phone.mjs';

export default async function german(scene, { browser, world, options, setting }) {
  const { planner } = world;
  const phone = await openPhone(browser, { ...options, locale: 'de-DE' }, world, 'jonas');
  const { page } = phone;
  const speaks = async (language) => assert.equal(await page.locator('html').getAttribute('lang'), language);
  const words = () => page.locator('body').innerText();
  try {
    await scene('german: inbox and approval, the sentence of the type too', async () => {
      await phone.enrol('Telefon');
      await ask(planner, 'jonas', transfer('412.00', 'KLM'));
      await phone.at('/app');
      await speaks('de');
      await requests(page).first().waitFor();
      await judge(phone, `${setting} inbox`);
      await phone.openRequest('KLM');
      await speaks('de');
      const said = await words();
      assert.match(said, /zahlen/);
      assert.match(said, /Ablehnen/);
      assert.doesNotMatch(said, /\b(Approve|Deny|Limits|Why)\b/);
      await judge(phone, `${setting} approval`);
      await phone.decide('approve');
      await receipt(page);
      await speaks('de');
      await judge(phone, `${setting} receipt`);
    });

    await scene('german: every other page', async () => {
      for (const path of ['agents', 'activity', 'devices', 'settings', 'upstream']) {
        await phone.at(`/app/${path}`);
        await speaks('de');
        await judge(phone, `${setting} ${path}`);
      }
    });

    await scene('german: what the person chose is stronger than what the browser wants', async () => {
      await phone.at('/app/settings');
      await page.selectOption('#language', 'en');
      await page.click('#preferences-save');
      await page.waitForLoadState();
      await phone.at('/app');
      await speaks('en');
    });
  } finally {
    await phone.close();
  }
}
