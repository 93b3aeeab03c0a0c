/** Each case of conformance/vectors/agents.json. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { generateKeyPair } from 'jose';
import { Agent, Grant, publicJwk } from 'writ-kit/agent';

import { answer, table } from './vectors.mjs';

const { issuer, resource, token, call } = table('agents');
const keys = await generateKeyPair('ES256', { extractable: true });
const { kid } = await publicJwk(keys.publicKey);

/** Asks for a nonce once, then says what the case says; `seen` has the proofs' nonces. */
async function scene(said) {
  const seen = [];
  const fetch = async (url, { headers }) => {
    if (url === `${issuer}/.well-known/oauth-authorization-server`) {
      return answer(200, { issuer, token_endpoint: `${issuer}/token` });
    }
    const proof = new Headers(headers).get('dpop');
    seen.push(JSON.parse(Buffer.from(proof.split('.')[1], 'base64url')).nonce);
    if (seen.length === 1) {
      const challenge = 'DPoP error="use_dpop_nonce"';
      const told = { 'dpop-nonce': 'nonce-1', ...(url.startsWith(resource) ? { 'www-authenticate': challenge } : {}) };
      return answer(url.startsWith(resource) ? 401 : 400, { error: 'use_dpop_nonce' }, told);
    }
    if (said === null) throw new TypeError('nobody answers');
    return answer(said.status, said.body ?? {}, said.headers);
  };
  const assertion = { key: keys.privateKey, kid };
  return { seen, agent: await Agent.discover(issuer, { clientId: 'agt_planner', assertion, dpop: keys, fetch }) };
}

function failed(error) {
  assert.notEqual(error.advice, '');
  const { reason, retryAfter, code, scope, excess, insufficient } = error;
  // Of what permits nothing it is the answer of an API that asked, not the one that came here.
  const status = error.name === 'ResourceRefused' ? error.status : undefined;
  const told = { error: error.name, reason, retry_after: retryAfter, status, scope, insufficient };
  if (error.name.endsWith('Refused')) told.code = code;
  if (excess?.length > 0) told.excess = excess;
  return JSON.parse(JSON.stringify(told));
}

for (const one of token) {
  test(`token: ${one.name}`, async () => {
    const { agent, seen } = await scene(one.answer);
    const told = ({ scope, details }) => ({ scope, details });
    assert.deepEqual(await agent.own({ resource }).then(told, failed), one.expect);
    assert.deepEqual(seen, [undefined, 'nonce-1']);
  });
}

for (const one of call) {
  test(`call: ${one.name}`, async () => {
    const { agent, seen } = await scene(one.answer);
    const grant = Grant.of({ access_token: 'abc', token_type: 'DPoP' }, 0);
    const told = ({ status }) => ({ status });
    assert.deepEqual(await agent.call(grant, `${resource}/accounts`).then(told, failed), one.expect);
    assert.deepEqual(seen, [undefined, 'nonce-1']);
  });
}

test('a token goes to https or loopback alone', async () => {
  const { agent, seen } = await scene(null);
  const grant = Grant.of({ access_token: 'abc', token_type: 'DPoP' }, 0);
  await assert.rejects(agent.call(grant, 'http://bank.example/'), { name: 'UsageError' });
  assert.deepEqual(seen, []);
});
