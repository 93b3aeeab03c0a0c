// Passkeys (WebAuthn level 3) by Chromium's own implementation: enrolled, used to sign in without a name and a password, and
// useless without the person.

import assert from 'node:assert/strict';

import { addAuthenticator } from '../lib/authenticator.mjs';
import { openPage } from '../lib/chromium.mjs';
import { complaint, openPhone } from '../lib/phone.mjs';

export default async function passkey(scene, { browser, world, options }) {
  const phone = await openPhone(browser, options, world, 'anna');
  const { page, authenticator, faults } = phone;
  try {
    await scene('passkey: not enrolled without the person', async () => {
      await authenticator.verify(false);
      await phone.at('/app/devices');
      await page.fill('#name', 'Stolen');
      await page.click('#passkey-add');
      await complaint(page);
      assert.deepEqual(await authenticator.passkeys(), []);
      assert.equal(await page.getByText('Stolen', { exact: true }).count(), 0);
      await authenticator.verify(true);
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

    await scene('passkey: removed, it signs in no more', async () => {
      await phone.at('/app/devices');
      await page.locator('form[action="/app/devices/passkeys/remove"] button').click();
      await page.waitForLoadState();
      const [mine] = await authenticator.passkeys();
      const other = await openPage(browser, options, world.homes);
      try {
        await (await addAuthenticator(other.page)).take(mine);
        await other.page.goto(`${world.issuer}/login`);
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
