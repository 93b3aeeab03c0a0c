/** Each case of conformance/vectors/verification.json. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MemoryReplays, Rejection, Verifier } from 'writ-kit/resource';

import { answer, changed, filled, hash, sign, table } from './vectors.mjs';

const { now, keys, published, base, cases } = table('verification');
const clock = { now: () => now, sleep: async () => undefined };

function issuer(live) {
  const { issuer: name } = base.config;
  return async (url) => {
    if (url === `${name}/.well-known/oauth-authorization-server`) {
      return answer(200, { issuer: name, jwks_uri: `${name}/jwks`, introspection_endpoint: `${name}/introspect` });
    }
    if (url === `${name}/jwks`) return answer(200, { keys: published });
    if (url === `${name}/introspect`) return answer(live.status, live.body);
    throw new Error(`nobody answers at ${url}`);
  };
}

function verifierOf({ config, live }) {
  const credentials = live === null ? {} : { live: { clientId: 'bank', clientSecret: 'secret' } };
  return new Verifier({
    issuer: config.issuer,
    resource: config.resource,
    publicUrl: config.public_url,
    agentsOnly: config.agents_only,
    bearer: config.bearer,
    nonces: config.nonces,
    ...(config.nonces === 'off' ? { replays: new MemoryReplays() } : {}),
    ...credentials,
    fetch: issuer(live),
    clock,
  });
}

async function requestOf({ token, proof, request }, nonce) {
  const words = { nonce, token: await sign(keys[token.key], token.header, token.claims) };
  words.ath = hash(words.token);
  words.proof = await sign(keys[proof.key], proof.header, filled(proof.claims, words));
  return filled(request, words);
}

/** As a client gets one: by a request without. */
async function nonceOf(verifier) {
  const without = await requestOf(changed(base, { remove: ['/proof/claims/nonce'] }));
  const refused = await verifier.verify(without).catch((error) => error);
  return refused.headers?.get('dpop-nonce') ?? undefined;
}

for (const one of cases) {
  test(one.name, async () => {
    const scene = changed(base, one);
    const verifier = verifierOf(scene);
    const request = await requestOf(scene, scene.config.nonces === 'off' ? undefined : await nonceOf(verifier));
    if (one.twice) await verifier.verify(request);
    const found = await verifier.verify(request).then(told, refusal);
    assert.deepEqual(found, one.expect);
  });
}

function told({ subject, agent = null, actors, client, task, delegation = null, scopes, key = null }) {
  const chain = actors.map(({ sub }) => sub);
  return {
    caller: { subject, agent, actors: chain, client, task: task?.id ?? null, delegation, scopes: [...scopes], key },
  };
}

function refusal(error) {
  if (!(error instanceof Rejection)) throw error;
  const { reason, status, error: code = null, headers } = error;
  if (status !== 503)
    assert.match(headers.get('www-authenticate'), code === null ? /^DPoP algs=/ : new RegExp(`error="${code}"`));
  return { reason, status, error: code, ...(headers.has('dpop-nonce') ? { gives_nonce: true } : {}) };
}
