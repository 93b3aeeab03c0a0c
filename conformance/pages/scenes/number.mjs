// An agent shows two digits, and the person types them: without a script, and with a passkey. A wrong number denies that request alone.

import assert from 'node:assert/strict';

import { answered, ask, payment, refusal, transfer } from '../lib/asks.mjs';
import { judge } from '../lib/judge.mjs';
import { openPhone, receipt, requests } from '../lib/phone.mjs';

export default async function number(scene, { browser, world, options, setting }) {
  const { counter } = world;
  const name = 'theo';
  const phone = await openPhone(browser, { ...options, javaScriptEnabled: false }, world, name);
  const { page } = phone;
  const said = () => page.locator('main').innerText();
  try {
    await scene('number: without a script a finished number is asked for, and the right one approves', async () => {
      const asked = await ask(counter, name, payment('12.00', 'Bakery'));
      await phone.openRequest('Bakery');
      const field = page.locator('#number');
      assert.equal(await field.getAttribute('inputmode'), 'numeric');
      assert.equal(await field.getAttribute('autocomplete'), 'off');
      await field.fill('4');
      await phone.typePassword();
      await phone.decide('approve');
      assert.match(await said(), /Type the two digits that the agent shows you\./);
      await field.fill(` ${asked.number_to_match} `);
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      assert.equal((await answered(counter, asked)).authorization_details.length, 1);
    });

    await scene('number: a wrong one denies that request alone, and the page says so', async () => {
      const asked = await ask(counter, name, payment('20.00', 'Florist'));
      const other = await ask(counter, name, payment('30.00', 'Cinema'));
      await phone.openRequest('Florist');
      await page.fill('#number', wrong(asked));
      await phone.typePassword();
      await phone.decide('approve');
      assert.match(await said(), /That was not the number/);
      assert.equal(await refusal(counter, asked), 'access_denied');
      await phone.openRequest('Cinema');
      await page.fill('#number', String(other.number_to_match));
      await phone.typePassword();
      await phone.decide('approve');
      await receipt(page);
      await answered(counter, other);
    });
  } finally {
    await phone.close();
  }

  const signing = await openPhone(browser, options, world, name);
  try {
    await scene('number: the device is asked only once it is typed, and signs for a wrong one too', async () => {
      await signing.enrol();
      const asked = await ask(counter, name, transfer('40.00', 'Kiosk'));
      await signing.openRequest('Kiosk');
      await judge(signing, `${setting} approval-number`);
      await signing.decide('approve');
      assert.equal(await signing.page.locator('#number:invalid').count(), 1, 'still here, and nothing was signed');
      await signing.page.fill('#number', wrong(asked));
      await signing.decide('approve');
      await signing.page.getByText('That was not the number').first().waitFor();
      await judge(signing, `${setting} over-number`);
      assert.equal(await refusal(counter, asked), 'access_denied');
      await signing.at('/app');
      assert.equal(await requests(signing.page).count(), 0);
    });
  } finally {
    await signing.close();
  }
}

/** Two digits, but others. */
const wrong = ({ number_to_match: right }) => String((right % 90) + 10);
