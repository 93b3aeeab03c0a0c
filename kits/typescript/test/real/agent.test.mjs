/** Agents with the kit, the built binary, and an API with the kit: authority from alice to the booker's call. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { exportPKCS8 } from 'jose';

import { ALICE, createWorld } from './world.mjs';

test('an agent is authorized, refreshes, delegates, asks again, and is stopped', async (t) => {
  const { writ, resource, planner, booker, phone, browser } = await createWorld(t);
  const redirectUri = 'https://planner.example/cb';
  const ask = { redirectUri, resource, scope: 'accounts:read', purpose: 'Keep the books' };
  const pending = await planner.authorize(ask);
  const callback = await browser.approve(pending.url, ALICE);
  await assert.rejects(pending.complete(`${callback}x`.replace('state=', 'state=x')), { name: 'ProtocolError' });
  const grant = await pending.complete(String(callback), resource);

  const told = async (agent, held) => (await agent.call(held, `${resource}/accounts`)).json();
  const planned = { subject: 'person', actors: ['agt_planner'] };
  assert.deepEqual(await told(planner, grant), planned);
  const refreshed = await planner.refresh(grant, { resource });
  assert.deepEqual(await told(planner, refreshed), planned);

  const handed = await planner.delegate(refreshed, await booker.actorAssertion('agt_planner'));
  const held = await booker.accept(handed.expose());
  assert.deepEqual(await told(booker, held), { subject: 'person', actors: ['agt_booker', 'agt_planner'] });
  await assert.rejects(planner.accept(handed.expose()), { name: 'ProtocolError' });

  const writing = planner.call(refreshed, `${resource}/accounts`, { method: 'POST' });
  await assert.rejects(writing, {
    name: 'ResourceRefused',
    status: 403,
    code: 'insufficient_scope',
    scope: 'accounts:write',
  });
  const question = await planner.confirm(refreshed, {
    resource,
    scope: 'accounts:write',
    bindingMessage: 'Invoice 4711',
  });
  const [once] = await Promise.all([question.wait(), phone.approve()]);
  const written = await planner.call(once, `${resource}/accounts`, { method: 'POST' });
  assert.deepEqual(await written.json(), planned);

  const denied = await planner.confirm(refreshed, {
    resource,
    scope: 'accounts:write',
    bindingMessage: 'Invoice 4712',
  });
  await Promise.all([assert.rejects(denied.wait(), { code: 'denied', reason: 'person' }), phone.deny()]);

  await assert.rejects(planner.own({ resource: 'https://other.example' }), { name: 'Refused', code: 'invalid_target' });
  await writ(['agent', 'suspend', 'agt_planner']);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await assert.rejects(told(planner, refreshed), { name: 'ResourceRefused', status: 401, code: 'invalid_token' });
});

test('the program of README.md', async (t) => {
  const { issuer, resource, plannerKey, phone, browser } = await createWorld(t);
  const { key, kid } = plannerKey;
  const env = { ...process.env, ISSUER: issuer, RESOURCE: resource, KEY: await exportPKCS8(key), KID: kid };
  const program = new URL('../../examples/agent.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const said = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.startsWith('open ')) child.stdin.write(`${await browser.approve(line.slice(5), ALICE)}\n`);
    if (said.length === 2) await decided(phone);
  }
  const told = '{"subject":"person","actors":["agt_planner"]}';
  assert.deepEqual([said[1].replace('the address it came back to: ', ''), said[2]], [told, told]);
});

/** As soon as the question is there. */
async function decided(phone) {
  while ((await phone.waiting()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await phone.approve();
}
