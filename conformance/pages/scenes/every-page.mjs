// Pages in one language, each on several screens, and there with text at 200 % too.

import assert from 'node:assert/strict';

import { ask, events, payment } from '../lib/asks.mjs';
import { openPage } from '../lib/chromium.mjs';
import { fits, judge, picture, unbroken } from '../lib/judge.mjs';
import { logIn, statusAfter } from '../lib/person.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';
import { long, rightToLeft, trip } from '../lib/requests.mjs';
import { enlarge, nameOf, read, showOn } from '../lib/screens.mjs';

/** Who looks at them in which language. */
const READERS = { en: 'vera', de: 'wanda', qps: 'uwe' };

export const everyPage = (language, screens) => async (scene, { browser, world, options, setting }) => {
  const name = READERS[language];
  const stranger = await openPage(browser, options, world.homes);
  const phone = await openPhone(browser, options, world, name);
  const { page } = phone;
  const judged = async (opened, what) => {
    assert.equal(await opened.page.locator('html').getAttribute('lang'), language);
    for (const screen of screens) {
      const where = `${setting} ${what} ${nameOf(screen)}`;
      await showOn(opened.page, screen);
      await judge(opened, where);
      await enlarge(opened.page);
      await picture(opened.page, `${where} large`);
      await fits(opened.page);
      await unbroken(opened.page);
      await opened.page.evaluate(() => (document.documentElement.style.fontSize = ''));
    }
  };
  const first = async (words) => {
    await phone.at('/app');
    await requests(page).filter({ hasText: words }).first().click();
    await decision(page, 'deny').waitFor();
  };
  try {
    await Promise.all([stranger.page, page].map((one) => read(one, world, language)));

    await scene('pages of everybody', async () => {
      for (const path of ['/login', '/login/forgot', '/nowhere']) {
        await stranger.page.goto(`${world.issuer}${path}`);
        await judged(stranger, path.slice(1));
      }
    });

    await scene('consent', async () => {
      for (const [what, asks] of Object.entries({ trip, long, rightToLeft })) {
        await stranger.page.goto((await asks(world)).url.href);
        if (what === 'trip') await judged(stranger, 'login for an agent');
        await logIn(stranger.page, name);
        await stranger.page.waitForURL(/\/consent/);
        await judged(stranger, `consent ${what}`);
      }
    });

    await scene('requests, and what became of them', async () => {
      await ask(world.planner, name, payment('412.00', 'KLM'));
      await ask(world.long, name, [payment('1234567.89', 'Grand Hotel Oslo'), events('Überstundenausgleichsplanung')]);
      await ask(world.rtl, name, events('اجتماعات العمل'));
      await phone.at('/app');
      await requests(page).nth(2).waitFor();
      await judged(phone, 'inbox');
      await first('Grand Hotel');
      await page.click('#less > summary');
      await phone.unfold();
      await judged(phone, 'approval with details');
      await first('KLM');
      await judged(phone, 'approval');
      await page.fill('#password', 'wrong');
      assert.equal(await statusAfter(page, () => phone.decide('approve')), 422);
      await judged(phone, 'approval wrong');
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      await page.click('#evidence > summary');
      await judged(phone, 'receipt');
      await phone.at('/app/requests/apr_unknown');
      await judged(phone, 'over');
    });

    await scene('the app', async () => {
      await phone.at('/app/devices');
      await judged(phone, 'devices, none');
      await phone.enrol('My phone');
      for (const path of ['app/agents', 'app/activity', 'app/devices', 'app/settings', 'app/upstream', 'device']) {
        await phone.at(`/${path}`);
        for (const folded of await page.locator('main summary').all()) await folded.click();
        await judged(phone, path);
      }
    });
  } finally {
    await stranger.close();
    await phone.close();
  }
};
