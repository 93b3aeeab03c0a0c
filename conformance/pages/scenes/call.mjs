// A call with a long text and nested arguments, on the page on which a person decides about it.

import assert from 'node:assert/strict';

import { answered, ask, payment } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { decision, openPhone, receipt, requests } from '../lib/phone.mjs';

/** Who looks at it. */
const PEOPLE = { 'phone, light': 'quentin', 'phone, dark': 'rosa' };

const BODY = [
  'It crashes when the account is closed while a payment is under way.',
  '',
  '```',
  ...Array.from({ length: 60 }, (_, line) => `    at step ${line} of /usr/lib/bank/${'deeply/'.repeat(line % 9)}closing.js\twith "quotes" and <tags>`),
  '```',
  'x'.repeat(400),
].join('\n');

const ARGUMENTS = {
  title: 'Closing crashes',
  body: BODY,
  labels: ['bug', 'payments'],
  options: { notify: { people: ['bob'], email: true }, weight: 1.5, due: null },
};

export default async function call(scene, { browser, world, setting, options }) {
  const { planner } = world;
  const name = PEOPLE[setting];
  const phone = await openPhone(browser, options, world, name);
  const { page } = phone;
  try {
    await scene('call: all of a long text and of nested arguments is on the page and in the receipt', async () => {
      const asked = await ask(planner, name, payment('1.00', 'Bakery'), { scope: 'accounts:read' });
      await phone.openRequest('Bakery');
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      const { access_token: token } = await answered(planner, asked);
      await world.askAbout(token, 'report_fault', ARGUMENTS);
      await phone.at('/app');
      await requests(page).filter({ hasText: 'Closing crashes' }).click();
      await decision(page, 'deny').waitFor();
      await phone.unfold();
      const block = page.locator('.block');
      assert.equal(await block.count(), 1);
      const text = await block.textContent();
      const shown = text.slice(1, -1).replaceAll('↵\n', '\n').replaceAll('⇥\t', '\t').replaceAll('\\"', '"');
      assert.equal(shown, BODY);
      const { overflow, clipped } = await block.evaluate((element) => ({
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        clipped: element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1,
      }));
      assert.deepEqual({ overflow, clipped }, { overflow: 0, clipped: false });
      const words = await page.locator('main').innerText();
      for (const line of ['“labels” › 2: “payments”', '“options” › “notify” › “people” › 1: “bob”', '“options” › “due”: nothing'])
        assert.ok(words.includes(line), line);
      await judge(phone, `${setting} approval-call`);
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      await judge(phone, `${setting} receipt-call`);
    });
  } finally {
    await phone.close();
  }
}
