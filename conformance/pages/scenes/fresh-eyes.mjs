// Ten requests to one person, right and wrong ones, as pictures of their first screen: for people who know nothing of this server and
// say which they would approve, and why. What they are told stands beside the pictures; which are right, outside of them.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as ciba from '../../openid-client/lib/ciba.mjs';
import { answered, ask, askWithin, payment } from '../lib/asks.mjs';
import { still } from '../lib/judge.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';
import { BANK, CALENDAR, EXCHANGE, MAIL, NOTES } from '../lib/world.mjs';

const NAME = 'anna';

const TOLD = `You are Anna. You use one assistant, "Travel planner", made by Acme Travel. This morning you told it:

- book the KLM flight to Oslo for EUR 412.00 and a room in the Grand Hotel Oslo for EUR 1,280.50, and pay both from your account at Bank
- put the trip into your work calendar, some day from 23 to 27 November
- mail the flight times to Bob
- delete your note "Shopping list"

Since then your phone has shown ten requests, one after another. Each picture is what you see before you scroll or tap. For each: would you
approve it, deny it, or open the details first, and why?
`;

const FLIGHT = paid('412.00', 'KLM', 'NL91ABNA0417164300');
const HOTEL = paid('1280.50', 'Grand Hotel Oslo', 'NO9386011117947');

const MAIL_TO_BOB = {
  to: 'bob@example.com',
  subject: 'Flight times',
  text: 'Dear Bob, KL1143 leaves Amsterdam on Monday at 09:35 and lands in Oslo at 11:25. See you there! Anna',
  bcc: 'offers@trip-deals.example',
};

/** In the order of the pictures; `right`: what somebody who understood should answer. */
const REQUESTS = [
  ['the flight', 'approve', (asks) => asks.within(FLIGHT)],
  ['the right name, another account', 'deny', (asks) => asks.within(paid('412.00', 'KLM', 'GB33BUKB20201555555555'))],
  ['the note that was meant', 'approve', (asks) => asks.note({ title: 'Shopping list' })],
  ['an assistant that Anna does not use', 'deny', (asks) => asks.stranger(FLIGHT)],
  ['the calendar', 'approve', (asks) => asks.anew(events())],
  ['ten times the price', 'deny', (asks) => asks.within(paid('4120.00', 'KLM', 'NL91ABNA0417164300'))],
  ['a mail with a copy to somebody else, behind a long text', 'details', (asks) => asks.mail(MAIL_TO_BOB)],
  ['the flight, paid from elsewhere', 'deny', (asks) => asks.within({ ...FLIGHT, locations: [EXCHANGE] })],
  ['a note that the agent calls Shopping list and that is another', 'deny', (asks) => asks.note({ title: 'Tax documents 2026', label: 'Shopping list' })],
  ['the hotel', 'approve', (asks) => asks.within(HOTEL)],
];

export const freshEyes = (folder) => async (scene, { browser, world, options }) => {
  const phone = await openPhone(browser, { ...options, timezoneId: 'Europe/Amsterdam', colorScheme: 'light' }, world, NAME);
  const { page } = phone;
  const approve = async () => {
    await phone.at('/app');
    await requests(page).first().click();
    await decision(page, 'deny').waitFor();
    await phone.typePassword();
    await phone.decide('approve');
    await receipt(page);
  };
  try {
    await mkdir(folder, { recursive: true });
    let asks;
    await scene('what Anna allowed this morning', async () => {
      await page.waitForFunction(() => localStorage.getItem('writ-zone-offered') !== null);
      asks = await allowed(world, approve);
    });
    for (const [place, [what, , make]] of REQUESTS.entries()) {
      const picture = fileOf(place);
      await scene(`${picture}: ${what}`, async () => {
        await make(asks);
        await phone.at('/app');
        assert.equal(await requests(page).count(), 1);
        await requests(page).first().click();
        await decision(page, 'deny').waitFor();
        await still(page);
        await page.screenshot({ path: join(folder, picture) });
        // Not denied: who says no several times is asked nothing for a while.
        await approve();
      });
    }
    const key = REQUESTS.map(([what, right], place) => ({ picture: fileOf(place), what, right }));
    await writeFile(join(folder, 'told.txt'), TOLD);
    await writeFile(`${folder}-key.json`, `${JSON.stringify(key, null, 2)}\n`);
  } finally {
    await phone.close();
  }
};

const fileOf = (place) => `${String(place + 1).padStart(2, '0')}.png`;

/** What was approved and used before, and the ways to ask for more. */
async function allowed(world, approve) {
  const { planner, stranger } = world;
  const trip = await ask(planner, NAME, [FLIGHT, HOTEL]);
  await approve();
  const { access_token: task } = await answered(planner, trip);
  const bread = await ask(planner, NAME, payment('24.50', 'Bakery'));
  await approve();
  await answered(planner, bread);
  const notes = await ciba.ask(planner, { login_hint: NAME, scope: 'notes:write', resource: NOTES });
  await approve();
  const { access_token: token } = await answered(planner, notes);
  const mailing = await ciba.ask(planner, { login_hint: NAME, scope: 'mail:send', resource: MAIL });
  await approve();
  const { access_token: mails } = await answered(planner, mailing);
  return {
    within: (details) => askWithin(planner, NAME, task, details),
    anew: (details) => ask(planner, NAME, details),
    stranger: (details) => ask(stranger, NAME, details),
    note: (properties) => world.askAbout(token, 'delete_note', properties, NOTES),
    mail: (properties) => world.askAbout(mails, 'send_mail', properties, MAIL),
  };
}

function paid(amount, name, iban) {
  return payment(amount, name, { creditor: { name, account: { iban } } });
}

function events() {
  return {
    type: 'calendar',
    calendar: 'work',
    actions: ['read', 'create'],
    period: { from: '2026-11-23T00:00:00+01:00', until: '2026-11-27T18:00:00+01:00' },
    locations: [CALENDAR],
  };
}
