// The same with a keyboard alone: from the first Tab to the redirect.

import assert from 'node:assert/strict';

import { redeem } from '../../openid-client/lib/journey.mjs';
import { openPage } from '../lib/chromium.mjs';
import { HOTEL, trip } from '../lib/requests.mjs';
import { person } from '../lib/world.mjs';

const MOST_TABS = 40;

export default async function keyboard(scene, { browser, world, options }) {
  const opened = await openPage(browser, options, world.homes);
  const { page, faults } = opened;
  const { landing } = world;
  const tabTo = async (selector) => {
    for (let press = 0; press < MOST_TABS; press += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    }
    assert.fail(`Tab does not reach ${selector}`);
  };
  try {
    await scene('logs in, unticks with the space bar, approves with Enter', async () => {
      const asked = await trip(world);
      const { username, password } = person('alice');
      await page.goto(asked.url.href);
      await tabTo('#username');
      await page.keyboard.type(username);
      await page.keyboard.press('Tab');
      await page.keyboard.type(password);
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/consent/);
      await tabTo('input[type=checkbox]');
      await page.keyboard.press('Space');
      await tabTo('#consent-approve');
      await page.keyboard.press('Enter');
      await page.waitForURL(`${landing.origin}/**`);
      const answer = await redeem(asked.application, { callback: landing.last(), checks: asked.checks });
      const names = answer.authorization_details.map((detail) => detail.creditor.name);
      assert.deepEqual(names, [HOTEL.creditor.name], 'the first of two was unticked');
      assert.deepEqual(faults, []);
    });
  } finally {
    await opened.close();
  }
}
