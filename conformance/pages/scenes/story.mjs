// The whole story as a person lives it, with scripts switched off: the pages need none.

import assert from 'node:assert/strict';

import { redeem } from '../../openid-client/lib/journey.mjs';
import { openPage } from '../lib/chromium.mjs';
import { logIn, tap } from '../lib/person.mjs';
import { picture } from '../lib/judge.mjs';
import { HOTEL, ticket, trip } from '../lib/requests.mjs';

export default async function story(scene, { browser, world, options }) {
  const opened = await openPage(browser, { ...options, javaScriptEnabled: false }, world.homes);
  const { page, faults } = opened;
  const { landing } = world;
  let token;
  try {
    await scene('unticks one payment, approves, and the agent gets that much less', async () => {
      const asked = await trip(world);
      await page.goto(asked.url.href);
      await logIn(page, 'alice', tap);
      await page.getByLabel(/KLM/).uncheck();
      await tap(page, '#consent-approve');
      await page.waitForURL(`${landing.origin}/**`);
      const answer = await redeem(asked.application, { callback: landing.last(), checks: asked.checks });
      const paid = answer.authorization_details.filter(({ type }) => type === 'payment');
      assert.deepEqual(
        paid.map(({ creditor }) => creditor.name),
        [HOTEL.creditor.name],
        'the payment that was unticked is not granted',
      );
      token = answer.access_token;
      world.answered = asked.url;
    });

    await scene('denies, and the agent hears so', async () => {
      const asked = await ticket(world);
      await page.goto(asked.url.href);
      await logIn(page, 'alice', tap);
      await tap(page, '#consent-deny');
      await page.waitForURL(`${landing.origin}/**`);
      const answer = landing.last().searchParams;
      assert.equal(answer.get('error'), 'access_denied');
      assert.equal(answer.get('state'), asked.checks.expectedState);
      assert.equal(answer.get('iss'), world.issuer);
      assert.equal(answer.get('code'), null);
    });

    await scene('stops a task with one button, and sees it listed as ended', async () => {
      await page.goto(`${world.issuer}/app/agents`);
      const live = page.locator('section.task');
      assert.equal(await live.count(), 1);
      await picture(page, 'story mine');
      await page.locator('article details summary').first().click();
      await tap(page, '[name=task-stop]');
      await page.locator('[role=status]').waitFor();
      assert.equal(await live.count(), 0);
      assert.match(await page.locator('[role=status]').innerText(), /Stopped/);
      await page.locator('details.past summary').first().click();
      assert.match(await page.locator('.past-task').first().innerText(), /Stopped/);
      await picture(page, 'story stopped');
      assert.deepEqual(await world.introspect(token), { active: false });
    });

    await scene('the browser never complained, and asked nobody else', async () => {
      assert.deepEqual(faults, []);
    });
  } finally {
    await opened.close();
  }
}
