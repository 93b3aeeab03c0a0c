// What an access token must say (docs/tokens.md; RFC 9068, 8693 section 4.1, 9449 section 6.1), read with `jose` and the
// keys that the server publishes.

import assert from 'node:assert/strict';

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

import { BANK } from './world.mjs';

const LONGEST_LIFETIME = 300;
const BASES = ['consent', 'password', 'passkey', 'liveness', 'policy'];

/** Verifies signature, type, issuer and audience; checks what every token of ours holds; answers the claims. */
export async function verified(application, answer, audience = BANK) {
  const { issuer, jwks_uri } = application.config.serverMetadata();
  const token = answer.access_token;
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), {
    issuer,
    audience,
    typ: 'at+jwt',
    algorithms: ['ES256'],
  });
  assert.equal(typeof decodeProtectedHeader(token).kid, 'string');
  assert.equal(payload.aud, audience, '`aud` is one string');
  assert.equal(typeof payload.jti, 'string');
  assert.ok(payload.exp - payload.iat <= LONGEST_LIFETIME, 'lives 5 minutes at most');
  assert.equal(payload.may_act, undefined);
  assert.equal(answer.token_type, 'dpop');
  assert.ok(answer.expires_in > 0 && answer.expires_in <= LONGEST_LIFETIME);
  return payload;
}

/** A token for a person; `actors` are client ids, the current one first, as `act` nests them. */
export function isForPerson(claims, issuer, actors) {
  assert.match(claims.sub, /^usr_/);
  assert.equal(claims.sub_profile, 'user');
  assert.equal(claims.client_id, actors[0], '`client_id` is the client of the outermost actor');
  assert.equal(typeof claims.auth_time, 'number');
  assert.match(claims.approval.id, /^apr_/);
  assert.ok(BASES.includes(claims.approval.basis), claims.approval.basis);
  assert.equal(typeof claims.approval.at, 'number');
  isChain(claims.act, issuer, actors);
  isMission(claims.mission, issuer);
}

/** The agent's own work: it is the subject, nobody acts for it, and still there is a task. */
export function isOwnWork(claims, issuer, agent) {
  assert.equal(claims.sub, agent);
  assert.equal(claims.sub_profile, 'ai_agent');
  assert.equal(claims.client_id, agent);
  assert.equal(claims.act, undefined);
  isMission(claims.mission, issuer);
}

/** Bound to the application's DPoP key, or to another of its keys. */
export async function isBoundTo(claims, application, handle = application.DPoP) {
  assert.deepEqual(claims.cnf, { jkt: await application.thumbprint(handle) });
}

/** The one payment of these scenes, as it was consented; answers its `ref`. */
export function holdsPayment(claims, payment) {
  assert.equal(claims.authorization_details.length, 1);
  const [{ ref, type_hash, ...members }] = claims.authorization_details;
  assert.equal(typeof ref, 'string');
  assert.equal(typeof type_hash, 'string');
  assert.deepEqual(members, payment);
  return ref;
}

function isChain(act, issuer, actors) {
  const found = [];
  for (let actor = act; actor !== undefined; actor = actor.act) {
    assert.equal(actor.iss, issuer);
    assert.equal(actor.sub_profile, 'ai_agent');
    assert.match(actor.dlg, /^dlg_/);
    found.push(actor.sub);
  }
  assert.deepEqual(found, actors);
}

function isMission(mission, issuer) {
  assert.match(mission.id, /^tsk_/);
  assert.equal(mission.issuer, issuer);
  assert.match(mission.authority_hash, /^sha-256:/);
  assert.ok(Date.parse(mission.expires_at) > Date.now(), mission.expires_at);
}
