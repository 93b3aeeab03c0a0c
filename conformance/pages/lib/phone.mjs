// What a person does on the pages of `/app`.

import assert from 'node:assert/strict';

import { addAuthenticator } from './authenticator.mjs';
import { openPage } from './chromium.mjs';
import { logIn } from './person.mjs';
import { person } from './world.mjs';

/** A phone of this person: signed in, with an authenticator where scripts run. */
export async function openPhone(browser, options, world, name) {
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  const authenticator = options.javaScriptEnabled === false ? undefined : await addAuthenticator(page);
  const at = (path) => page.goto(`${world.issuer}${path}`);
  await at('/login');
  await logIn(page, name);
  await page.waitForURL(/\/app/);
  return {
    ...opened,
    authenticator,
    at,
    /** Adds the first passkey of this person, with the code that the operator gives them. */
    enrol: async (passkey = 'Phone') => {
      const code = await world.passkeyCode(name);
      await at('/app/devices');
      await page.fill('#name', passkey);
      await page.fill('#code', code);
      await page.click('#passkey-add');
      await page.locator('[id^="passkey-"]').getByText(passkey, { exact: true }).waitFor();
    },
    /** Opens the one request that says this. */
    openRequest: async (words) => {
      await at('/app');
      const wanted = requests(page).filter({ hasText: words });
      await wanted.first().waitFor();
      assert.equal(await wanted.count(), 1);
      await wanted.click();
      await decision(page, 'deny').waitFor();
    },
    /** Everything that is said about it, below what decides. */
    unfold: () => page.click('#details > summary'),
    /** `approve`, `deny`, `stop` or `not-me`. */
    decide: (how) => decision(page, how).click(),
    /** Shows the request with a smaller amount. */
    lessen: async (amount) => {
      await page.click('#less > summary');
      await page.fill('#amount-d0', amount);
      await page.click('#approval-less');
      await page.waitForURL(/narrow=1/);
    },
    typePassword: () => page.fill('[name=password]', person(name).password),
  };
}

/** Links to what waits. */
export const requests = (page) => page.locator('main a[href^="/app/requests/"]');

export const decision = (page, how) => page.locator(`#approval-${how}`);

/** What a script of ours says when the device did not do it. */
export const complaint = (page) => page.locator('[data-message]:visible').waitFor();

/** The page that shows what was decided. */
export const receipt = (page) => page.waitForURL(/\/app\/receipts\//);
