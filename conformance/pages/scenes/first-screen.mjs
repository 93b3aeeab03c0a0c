// What a person sees of a request before they scroll: who, what, how much, every warning, both buttons; at most 60 words. For every
// shipped type, with the longest values that it allows. Where several things are asked, none of them is below the buttons.

import assert from 'node:assert/strict';

import * as ciba from '../../openid-client/lib/ciba.mjs';
import { answered, ask, askWithin, payment } from '../lib/asks.mjs';
import { firstScreen, fits, judge } from '../lib/judge.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';
import { enlarge, nameOf, read, showOn, SMALL_PHONE } from '../lib/screens.mjs';
import { BANK, CALENDAR, MAIL } from '../lib/world.mjs';

const MOST_WORDS = 60;
/** As many words as 140 characters can be. */
const WORDS = 'ab '.repeat(46) + 'ab';
const LONG = 'x'.repeat(140);

const PAYMENT = {
  type: 'payment',
  instructed_amount: { amount: '999999999999999.9999', currency: 'EUR' },
  creditor: { name: WORDS, account: { iban: `MT84${'A1'.repeat(15)}` } },
  reference: WORDS,
  locations: [BANK],
};

/** The longest of everything; `says` is what of it must be read at once. */
const WORST = [
  {
    name: 'payment',
    details: PAYMENT,
    says: ['999,999,999,999,999.9999', 'MT84 A1A1'],
    warnings: ['before', 'largest', 'Shortened'],
  },
  {
    name: 'payment beyond its task',
    details: PAYMENT,
    isWithin: true,
    says: ['999,999,999,999,999.9999', 'MT84 A1A1'],
    warnings: ['more than the', 'Outside', 'before', 'largest', 'Shortened'],
  },
  {
    name: 'payment that fits, beyond its task',
    details: { ...PAYMENT, creditor: { ...PAYMENT.creditor, name: 'W'.repeat(40) }, reference: 'x' },
    isWithin: true,
    says: ['W'.repeat(40)],
    warnings: ['more than the', 'Outside', 'before', 'largest'],
  },
  {
    name: 'payments',
    details: ['NL91ABNA0417164301', 'NO9386011117947', 'DE89370400440532013000'].map((iban, place) => ({
      ...PAYMENT,
      instructed_amount: { amount: `90${place}.00`, currency: 'EUR' },
      creditor: { name: `Payee ${place}`, account: { iban } },
    })),
    says: ['Payee 2'],
    warnings: ['First time for 3', '3 amounts'],
    button: /EUR\s2,703\.00/,
  },
  {
    name: 'calendar',
    details: {
      type: 'calendar',
      calendar: WORDS,
      actions: ['read', 'create', 'update', 'delete'],
      period: { from: '2026-11-23T00:00:00.000001+01:00', until: '2026-11-27T18:00:00.000001+01:00' },
      locations: [CALENDAR],
    },
    says: ['ab ab'],
    warnings: ['Shortened'],
  },
  {
    name: 'mcp_tool_call',
    details: {
      type: 'mcp_tool_call',
      server: LONG,
      tool: WORDS.slice(0, 125),
      path: `/${'a/'.repeat(60)}a`,
      arguments: Object.fromEntries(Array.from({ length: 8 }, (_, place) => [`${place} ${'n '.repeat(30)}n`, WORDS])),
      calls: 1_000_000,
      locations: [CALENDAR],
    },
    says: ['1,000,000'],
    warnings: ['Shortened'],
  },
  {
    name: 'mail',
    mail: {
      to: ['a', 'b', 'c'].map((letter) => letter.repeat(140)),
      cc: LONG,
      bcc: LONG,
      subject: WORDS,
      text: `${WORDS}\n`.repeat(40),
    },
    says: ['Copy to', 'Hidden copy to', 'and 1 more'],
    warnings: ['Shortened'],
  },
];

/** Where each of them is looked at in every run. */
const SCREENS = [
  { viewport: SMALL_PHONE, colorScheme: 'light' },
  { viewport: SMALL_PHONE, colorScheme: 'dark' },
  { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
];

export default firstScreenOn(SCREENS, ['en']);

export function firstScreenOn(screens, languages) {
  return (scene, given) => first(scene, { ...given, screens, languages });
}

async function first(scene, { browser, world, options, setting, screens, languages }) {
  const { planner } = world;
  const phone = await openPhone(browser, { ...options, timezoneId: 'Europe/Amsterdam' }, world, 'sara');
  const { page } = phone;
  const seen = async (path, [screen, language], { name, isOne, says, warnings, button }) => {
    await read(page, world, language);
    await showOn(page, screen);
    await phone.at(path);
    const found = await firstScreen(page);
    const where = `${nameOf(screen)} ${language}`;
    const text = found.words.join(' ');
    // Of several things only the warnings are sure to be seen at once.
    const most = isOne ? MOST_WORDS : Infinity;
    assert.ok(found.words.length <= most, `${where}: ${found.words.length} words: ${text}`);
    assert.deepEqual(found.hidden, [], `${where}: hidden before scrolling`);
    assert.equal(found.warnings.length, warnings.length, `${where}: ${found.warnings.join('; ')}`);
    if (language === 'en') {
      for (const [place, part] of warnings.entries()) assert.ok(found.warnings[place].includes(part), `${where}: ${part}`);
      for (const part of says) assert.ok(text.includes(part), `${where}: ${part}: ${text}`);
      if (button !== undefined) assert.match(await decision(page, 'approve').innerText(), button, where);
    }
    await judge(phone, `${setting} first-${name}-${where}`);
    await enlarge(page);
    await fits(page);
  };
  let task, mails;
  try {
    await scene('what is usual for this person', async () => {
      await page.waitForFunction(() => localStorage.getItem('writ-zone-offered') !== null);
      for (const amount of ['1.00', '2.00', '3.00']) {
        const asked = await ask(planner, 'sara', payment(amount, 'Bakery'));
        await phone.openRequest('Bakery');
        await phone.typePassword();
        await phone.decide('approve');
        await receipt(page);
        ({ access_token: task } = await answered(planner, asked));
      }
    });

    await scene('mails that this person allowed', async () => {
      const asked = await ciba.ask(planner, { login_hint: 'sara', scope: 'mail:send', resource: MAIL });
      await phone.at('/app');
      await requests(page).first().click();
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      ({ access_token: mails } = await answered(planner, asked));
    });

    const put = ({ details, mail, isWithin }) => {
      if (mail !== undefined) return world.askAbout(mails, 'send_mail', mail, MAIL);
      return isWithin ? askWithin(planner, 'sara', task, details) : ask(planner, 'sara', details);
    };
    for (const worst of WORST) {
      const { name, details, says, warnings, button } = worst;
      const seenAtOnce = Array.isArray(details)
        ? 'every warning before scrolling, and nothing below the buttons'
        : `at most ${MOST_WORDS} words, both buttons and every warning before scrolling`;
      await scene(`${name}: ${seenAtOnce}`, async () => {
        await put(worst);
        await phone.at('/app');
        await requests(page).first().click();
        await decision(page, 'deny').waitFor();
        const path = new URL(page.url()).pathname;
        try {
          const everywhere = languages.flatMap((language) => screens.map((screen) => [screen, language]));
          for (const where of everywhere) await seen(path, where, { name, isOne: !Array.isArray(details), says, warnings, button });
          await page.setViewportSize({ width: 740, height: 360 });
          await fits(page);
          await page.setViewportSize({ width: 320, height: 640 });
          await page.evaluate(() => (document.documentElement.dir = 'rtl'));
          await fits(page);
        } finally {
          // Not denied: who says no several times is asked nothing for a while.
          await read(page, world, 'en');
          await phone.at(path);
          await phone.typePassword();
          await phone.decide('approve');
          await receipt(page);
        }
      });
    }

    await scene('this was not me: asked once, below what it does', async () => {
      await ask(planner, 'sara', payment('5.00', 'Kiosk'));
      await phone.openRequest('Kiosk');
      assert.equal(await page.locator('#approval-not-me').isVisible(), false);
      await page.click('.decide-foot a');
      await page.locator('#approval-not-me').waitFor();
      await judge(phone, `${setting} not-me`);
      await phone.decide('deny');
      await receipt(page);
    });
  } finally {
    await phone.close();
  }
}
