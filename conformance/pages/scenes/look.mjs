// Every page in one setting of the browser, judged.

import assert from 'node:assert/strict';

import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';
import { logIn, statusAfter, withoutFieldChecks } from '../lib/person.mjs';
import { person } from '../lib/world.mjs';
import { long, report, rightToLeft, trip, week } from '../lib/requests.mjs';

export default async function look(scene, { browser, world, setting, options }) {
  const home = world.issuer;
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  const judged = (name) => judge(opened, `${setting} ${name}`);
  const leads = async (status, act) => assert.equal(await statusAfter(page, act), status);
  const consent = async (ask) => {
    const { url } = await ask(world);
    await page.goto(url.href);
    await logIn(page, 'alice');
    await page.waitForURL(/\/consent/);
  };
  try {
    await scene('login: on its own', async () => {
      await leads(200, () => page.goto(`${home}/login`));
      await judged('login');
    });

    await scene('login: for an agent, nothing typed, a wrong password', async () => {
      await page.goto((await trip(world)).url.href);
      await judged('login-agent');
      await withoutFieldChecks(page);
      await leads(422, () => page.click('#login-submit'));
      await judged('login-empty');
      await page.fill('#username', 'alice');
      await page.fill('#password', 'wrong');
      await leads(422, () => page.click('#login-submit'));
      assert.equal(await page.inputValue('#username'), 'alice', 'what was typed stays');
      assert.equal(await page.inputValue('#password'), '', 'but never the password');
      await judged('login-wrong');
    });

    await scene('consent: an agent with a purpose', async () => {
      await consent(trip);
      const labels = await page.locator('label').allInnerTexts();
      assert.equal(labels.length, 3);
      assert.deepEqual(labels.map((label) => /KLM|Oslo|accounts:read/.exec(label)?.[0]), ['KLM', 'Oslo', 'accounts:read']);
      await judged('consent-agent');
    });

    await scene('consent: at two resources', async () => {
      await consent(week);
      await judged('consent-week');
    });

    await scene('consent: nothing ticked', async () => {
      for (const box of await page.locator('input[type=checkbox]').all()) await box.uncheck();
      await leads(422, () => page.click('#consent-approve'));
      assert.equal(await page.locator('input:checked').count(), 0, 'what was unticked is not ticked again');
      await judged('consent-nothing');
    });

    await scene('consent: another page than the one that was shown', async () => {
      await page.evaluate(() => (document.querySelector('[name=screen]').value = 'another'));
      await leads(409, () => page.click('#consent-approve'));
      assert.match(await page.locator('#problem').innerText(), /changed while you looked/);
      assert.notEqual(await page.locator('input:checked').count(), 0, 'a page as if it were opened');
      await judged('consent-changed');
    });

    await scene('consent: long names, many details, umlauts', async () => {
      await consent(long);
      await judged('consent-long');
    });

    await scene('consent: names that run from right to left', async () => {
      await consent(rightToLeft);
      await judged('consent-rtl');
    });

    await scene('consent: an application that is no agent', async () => {
      const { url } = await report(world);
      await page.goto(url.href);
      await page.waitForURL(/\/consent/);
      await judged('consent-plain');
    });

    await scene('mine: live tasks and ended ones', async () => {
      await page.goto(`${home}/app/agents`);
      assert.ok((await page.locator('[name=task-stop]').count()) > 0);
      await judged('mine');
      await page.locator('article details summary').first().click();
      await judged('mine-details');
    });

    await scene('mine: an agent is stopped in its row, and goes on after a proof', async () => {
      const stops = page.locator('[name=agent-stop]');
      const before = await stops.count();
      await leads(200, () => stops.first().click());
      assert.equal(await stops.count(), before - 1);
      await judged('mine-stopped');
      await leads(200, () => page.click('#stop-undo'));
      await judged('mine-undo');
      await page.fill('#password', 'not the password');
      await leads(422, () => page.click('#undo-password'));
      await judged('mine-undo-wrong');
      await page.fill('#password', person('alice').password);
      await leads(200, () => page.click('#undo-password'));
      assert.match(await page.locator('[role=status]').innerText(), /Undone/);
      assert.equal(await stops.count(), before);
    });

    await scene('failure: a request that nobody knows, one that was answered, an address with nothing', async () => {
      const unknown = 'urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Aunknown';
      await leads(400, () => page.goto(`${home}/authorize?client_id=agt_planner&request_uri=${unknown}`));
      await judged('failure-unknown');
      await leads(400, () => page.goto(world.answered.href));
      await judged('failure-used');
      await leads(404, () => page.goto(`${home}/nowhere`));
      await judged('failure-404');
      await leads(405, () => page.goto(`${home}/app/stop`));
      await judged('failure-405');
    });

    await scene('done: signed out', async () => {
      await page.goto(`${home}/app`);
      await leads(200, () => page.click('#logout-submit'));
      await judged('done');
    });

    await scene('mine: nothing acts', async () => {
      await page.goto(`${home}/login`);
      await logIn(page, 'new');
      await page.waitForURL(/\/app$/);
      await judged('mine-empty');
    });
  } finally {
    await opened.close();
  }
}
