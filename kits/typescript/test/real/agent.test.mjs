/** Agents with the kit, the built binary, and an API with the kit: authority from alice to the booker's call. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

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
