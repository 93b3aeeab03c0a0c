// Passkeys (WebAuthn level 3) by Chromium's own implementation: enrolled, used to sign in without a name and a password, and
// useless without the person.

import assert from 'node:assert/strict';

import { addAuthenticator } from '../lib/authenticator.mjs';
import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';
import { logIn } from '../lib/person.mjs';
import { complaint, openPhone } from '../lib/phone.mjs';

export default async function passkey(scene, { browser, world, setting, options }) {
  const phone = await openPhone(browser, options, world, 'anna');
  const { page, authenticator, faults } = phone;
  try {
    await scene('passkey: not enrolled without the person', async () => {
      await authenticator.verify(false);
      await phone.at('/app/devices');
      await page.fill('#name', 'Stolen');
      await page.fill('#code', await world.passkeyCode('anna'));
      await page.click('#passkey-add');
      await complaint(page);
      assert.deepEqual(await authenticator.passkeys(), []);
      assert.equal(await page.getByText('Stolen', { exact: true }).count(), 0);
      await authenticator.verify(true);
    });

    await scene('passkey: the first one not without the operator\'s code', async () => {
      await phone.at('/app/devices');
      assert.equal(await page.locator('[name=password]').count(), 0, 'a password proves nothing here');
      await page.fill('#name', 'Guessed');
      await page.fill('#code', 'BBBB-BBBB');
      await page.click('#passkey-add');
      await complaint(page);
      await judge(phone, `${setting} app-devices-code`);
      assert.match(await page.locator('[data-message]:visible').innerText(), /That code does not work/);
      assert.ok(faults.splice(0).every((fault) => fault.includes('403')), 'nothing but the refusal');
      assert.deepEqual(await authenticator.passkeys(), []);
    });

    await scene('passkey: enrolled on /app/devices', async () => {
      await phone.enrol('My phone');
      const [found, ...more] = await authenticator.passkeys();
      assert.deepEqual(more, []);
      assert.equal(found.isResidentCredential, true);
      assert.equal(found.rpId, 'localhost');
      assert.deepEqual(faults, []);
    });

    await scene('passkey: one phone is not enrolled twice', async () => {
      await phone.at('/app/devices');
      await page.fill('#name', 'Again');
      await page.click('#passkey-add');
      await complaint(page);
      assert.equal((await authenticator.passkeys()).length, 1);
    });

    await scene('passkey: signs in alone, without a name or a password', async () => {
      const [mine] = await authenticator.passkeys();
      const other = await openPage(browser, options, world.homes);
      try {
        const device = await addAuthenticator(other.page);
        await device.take(mine);
        await device.verify(false);
        await other.page.goto(`${world.issuer}/login`);
        await other.page.click('#login-passkey');
        await complaint(other.page);
        await device.verify(true);
        await other.page.click('#login-passkey');
        await other.page.waitForURL(/\/app/);
        await other.page.goto(`${world.issuer}/app/settings`);
        assert.match(await other.page.locator('main').innerText(), /anna/);
        assert.deepEqual(other.faults, []);
      } finally {
        await other.close();
      }
    });

    await scene('passkey: another device is added by the first one, and not by the password', async () => {
      const [mine] = await authenticator.passkeys();
      const other = await openPhone(browser, options, world, 'anna');
      try {
        await other.at('/app/devices');
        assert.equal(await other.page.locator('#password').count(), 0);
        await other.page.fill('#name', 'Laptop');
        await other.authenticator.take(later(mine, 100));
        // The phone proves the person; then the laptop makes its own.
        let laptop;
        await other.page.route('**/passkeys/options', async (route) => {
          await other.authenticator.leave();
          laptop = await addAuthenticator(other.page);
          await route.continue();
        });
        await other.page.click('#passkey-add');
        await other.page.getByText('Laptop', { exact: true }).waitFor();
        assert.equal((await laptop.passkeys()).length, 1);
        assert.equal(await other.page.locator('form[data-passkey=removal]').count(), 2);
        await judge(other, `${setting} two passkeys`);
        await laptop.verify(false);
        await other.page.locator('form[data-passkey=removal] button').nth(1).click();
        await complaint(other.page);
        await judge(other, `${setting} not removed`);
        await laptop.verify(true);
        await other.page.locator('form[data-passkey=removal] button').nth(1).click();
        await other.page.getByText('Laptop', { exact: true }).waitFor({ state: 'detached' });
        assert.deepEqual(other.faults, []);
      } finally {
        await other.close();
      }
    });

    await scene('passkey: the login page waits for one to be picked, and says nothing of it', async () => {
      const other = await openPage(browser, options, world.homes);
      try {
        const device = await addAuthenticator(other.page);
        const asked = other.page.waitForRequest(`${world.issuer}/login/passkey/options`);
        await other.page.goto(`${world.issuer}/login`);
        const body = new URLSearchParams((await asked).postData());
        assert.deepEqual([...body.keys()], ['csrf'], 'asked before anybody pressed anything');
        assert.equal(await other.page.locator('#username').getAttribute('autocomplete'), 'username webauthn');
        assert.equal(await other.page.locator('[data-message]:visible').count(), 0);
        // The button takes its place; this device holds nothing.
        await other.page.click('#login-passkey');
        await complaint(other.page);
        // And the password goes on working.
        assert.deepEqual(await device.passkeys(), []);
        await logIn(other.page, 'anna');
        await other.page.waitForURL(/\/app/);
        assert.deepEqual(other.faults, []);
      } finally {
        await other.close();
      }
    });

    await scene('passkey: picked among the names, it signs in with no button', async () => {
      const [mine] = await authenticator.passkeys();
      const other = await openPage(browser, options, world.homes);
      try {
        // This authenticator picks the first one at once; nothing is pressed. It has counted further than the copy before.
        await (await addAuthenticator(other.page)).take(later(mine, 300));
        await other.page.goto(`${world.issuer}/login`);
        await other.page.waitForURL(/\/app/);
        assert.deepEqual(other.faults, []);
      } finally {
        await other.close();
      }
    });

    await scene('passkey: removed, it signs in no more', async () => {
      const [counted] = await authenticator.passkeys();
      await authenticator.drop(counted);
      await authenticator.take(later(counted, 400));
      await phone.at('/app/devices');
      await page.locator('form[data-passkey=removal] button').click();
      await page.getByText('My phone', { exact: true }).waitFor({ state: 'detached' });
      const [mine] = await authenticator.passkeys();
      const other = await openPage(browser, options, world.homes);
      try {
        await (await addAuthenticator(other.page)).take(mine);
        await other.page.goto(`${world.issuer}/login`);
        // It is picked at once, and refused; then nothing happens by itself any more.
        await other.page.locator('#problem').waitFor();
        await other.page.click('#login-passkey');
        await other.page.locator('[role=alert]:visible').waitFor();
        assert.equal(new URL(other.page.url()).pathname.startsWith('/login'), true);
      } finally {
        await other.close();
      }
    });
  } finally {
    await phone.close();
  }
}

/** The same passkey after so many uses: a counter that does not grow is a copied one (WebAuthn 7.2, step 22). */
const later = (passkey, uses) => ({ ...passkey, signCount: passkey.signCount + uses });
