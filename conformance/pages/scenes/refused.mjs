// Pages that a person should rarely see: too many wrong passwords, a form from nowhere, somebody else's task.

import assert from 'node:assert/strict';

import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';
import { logIn, statusAfter } from '../lib/person.mjs';
import { ticket } from '../lib/requests.mjs';

export default async function refused(scene, { browser, world, options }) {
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  try {
    await scene('too many wrong passwords: the right one waits too', async () => {
      await page.goto(`${world.issuer}/login`);
      for (let attempt = 0; attempt < 5; attempt += 1) {
        await page.fill('#username', 'locked');
        await page.fill('#password', `wrong ${attempt}`);
        assert.equal(await statusAfter(page, () => page.click('#login-submit')), 422);
      }
      assert.equal(await statusAfter(page, () => logIn(page, 'locked')), 429);
      assert.match(await page.locator('#problem').innerText(), /Too many/);
      await judge(opened, 'refused paused');
    });

    await scene('a form without its cookie', async () => {
      await page.goto((await ticket(world)).url.href);
      await page.context().clearCookies();
      await statusAfter(page, () => logIn(page, 'alice'));
      await judge(opened, 'refused login-expired');
      await logIn(page, 'alice');
      await page.waitForURL(/\/consent/);
      await page.evaluate(() => (document.querySelector('[name=csrf]').value = 'another'));
      await statusAfter(page, () => page.click('#consent-approve'));
      assert.equal(await page.locator('#consent-approve').count(), 0);
      await judge(opened, 'refused form-expired');
    });

    await scene('a task of somebody else is not stopped', async () => {
      await page.goto(`${world.issuer}/app/agents`);
      const task = await page.locator('[name=task]').first().getAttribute('value');
      await statusAfter(page, () => page.click('#logout-submit'));
      await page.goto(`${world.issuer}/login`);
      await logIn(page, 'new');
      await page.waitForURL(/\/app$/);
      await page.evaluate((id) => {
        const form = document.querySelector('form');
        form.action = '/app/stop';
        form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'task', value: id }));
      }, task);
      await statusAfter(page, () => page.click('#logout-submit'));
      await judge(opened, 'refused not-mine');
      await statusAfter(page, () => page.click('#logout-submit'));
      await page.goto(`${world.issuer}/login`);
      await logIn(page, 'alice');
      await page.waitForURL(/\/app$/);
      await page.goto(`${world.issuer}/app/agents`);
      assert.equal(await page.locator(`#task-stop-${task}`).count(), 1, 'it still runs');
    });
  } finally {
    await opened.close();
  }
}
