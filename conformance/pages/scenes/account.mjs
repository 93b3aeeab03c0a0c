// An invitation and a reset: opened by a link, finished by a code that came another way, then by a passkey. The form works without script.

import assert from 'node:assert/strict';

import { addAuthenticator } from '../lib/authenticator.mjs';
import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';

const PASSWORD = 'nine purple kettles sing';

async function setPassword(page, { code, password }) {
  if (code) await page.fill('#code', code);
  await page.fill('#new_password', password);
  await page.fill('#new_password_again', password);
  await page.click('#account-submit');
}

export default async function account(scene, { browser, world, setting, options }) {
  const name = `ines-${setting.replace(/\W+/g, '-')}`;
  const invited = await world.account('invite', name);
  const plain = await openPage(browser, { ...options, javaScriptEnabled: false }, world.homes);
  try {
    await scene('account: an invitation is accepted without script', async () => {
      await plain.page.goto(invited.link);
      await setPassword(plain.page, { code: 'BBBB-BBBB', password: PASSWORD });
      assert.match(await plain.page.locator('#problem').innerText(), /not right/);
      await setPassword(plain.page, { code: invited.code, password: PASSWORD });
      assert.match(await plain.page.locator('h1').innerText(), /password is set/);
      assert.deepEqual(plain.faults, []);
    });
  } finally {
    await plain.close();
  }
  const fresh = await openPage(browser, options, world.homes);
  try {
    await scene('account: an invitation is accepted with a passkey alone', async () => {
      const joining = await world.account('invite', `${name}-key`);
      await addAuthenticator(fresh.page);
      await fresh.page.goto(joining.link);
      await judge(fresh, `${setting} account-invitation`);
      await fresh.page.fill('#code', joining.code);
      await fresh.page.click('#account-passkey');
      await judge(fresh, `${setting} account-joined`);
      await fresh.page.click('#account-on');
      await fresh.page.fill('#name', 'Phone');
      await fresh.page.fill('#code', joining.code);
      await fresh.page.click('#passkey-add');
      await fresh.page.getByText('Phone', { exact: true }).waitFor();
      assert.deepEqual(fresh.faults, []);
    });
  } finally {
    await fresh.close();
  }
  const phone = await openPage(browser, options, world.homes);
  const { page, faults } = phone;
  try {
    await addAuthenticator(page);
    await scene('account: reset by a code, which then adds a passkey', async () => {
      const printed = await world.account('reset', name);
      await page.goto(printed.link);
      await judge(phone, `${setting} account-reset`);
      await setPassword(page, { code: printed.code, password: `${PASSWORD} again` });
      await judge(phone, `${setting} account-done`);
      await page.click('#account-on');
      await page.fill('#name', 'Phone');
      await page.fill('#code', printed.code);
      await page.click('#passkey-add');
      await page.getByText('Phone', { exact: true }).waitFor();
      assert.deepEqual(faults, []);
    });

    await scene('account: reset by a passkey', async () => {
      const printed = await world.account('reset', name);
      assert.equal(printed.code, undefined);
      await page.goto(printed.link);
      assert.equal(await page.locator('#code').count(), 0);
      await judge(phone, `${setting} account-passkey`);
      await setPassword(page, { password: `${PASSWORD} once more` });
      await page.locator('#account-on').waitFor();
      await page.goto(printed.link);
      assert.match(await page.locator('h1').innerText(), /does not work any more/);
      await judge(phone, `${setting} account-over`);
    });

    await scene('account: another password by the passkey', async () => {
      await page.goto(`${world.issuer}/app/settings`);
      assert.equal(await page.locator('#old_password').count(), 0);
      await page.fill('#new_password', `${PASSWORD} by passkey`);
      await page.fill('#new_password_again', `${PASSWORD} by passkey`);
      await judge(phone, `${setting} settings-passkey`);
      await page.click('#password-save');
      await page.getByText('Your password was changed').waitFor();
      assert.deepEqual(faults, []);
    });

    await scene('account: a forgotten password', async () => {
      await page.goto(`${world.issuer}/login/forgot`);
      await judge(phone, `${setting} account-forgotten`);
    });
  } finally {
    await phone.close();
  }
}
