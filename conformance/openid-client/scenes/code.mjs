// Authorization code with PAR (RFC 9126), RAR (RFC 9396), PKCE (RFC 7636), DPoP (RFC 9449) and private_key_jwt.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { Browser } from '../lib/browser.mjs';
import { approved, plannersRequest, push, PURPOSE, redeem } from '../lib/journey.mjs';
import { refused } from '../lib/refusal.mjs';
import { holdsPayment, isBoundTo, isForPerson, verified } from '../lib/tokens.mjs';
import { PERSON } from '../lib/world.mjs';

export default async function code(scene, serving) {
  const { issuer, payment, planner } = serving.world;
  const request = plannersRequest(payment);
  let grant;

  await scene('code: the person approves, the planner gets a token that says who acts for whom', async () => {
    grant = await approved(planner, request);
    serving.tokens = await redeem(planner, grant);
    const claims = await verified(planner, serving.tokens);
    isForPerson(claims, issuer, ['agt_planner']);
    await isBoundTo(claims, planner);
    serving.ref = holdsPayment(claims, payment);
    assert.equal(claims.scope, 'accounts:read');
    assert.equal(claims.mission.purpose, PURPOSE, 'the resource asked for `purpose`');
    assert.equal(serving.tokens.authorization_details.length, 1, 'RFC 9396 7: the answer says what was granted');
    serving.claims = claims;
  });

  await scene('code: once only, and its loser with the same key does no harm', async () => {
    await refused(redeem(planner, grant), 'invalid_grant');
    const { refresh_token } = serving.tokens;
    await client.refreshTokenGrant(planner.config, refresh_token, undefined, { DPoP: planner.DPoP });
  });

  await scene('code: useless to another key than the one that pushed the request', async () => {
    const stolen = await approved(planner, request);
    await refused(redeem(planner, stolen, await planner.newProofKey()), 'invalid_grant');
  });

  await scene('code: useless with another PKCE verifier', async () => {
    const stolen = await approved(planner, request);
    stolen.checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
    await refused(redeem(planner, stolen), 'invalid_grant');
  });

  await scene('authorize: the person says no', async () => {
    const { url, checks } = await push(planner, request);
    const callback = await new Browser().deny(url, PERSON);
    await assert.rejects(redeem(planner, { callback, checks }), {
      name: 'AuthorizationResponseError',
      error: 'access_denied',
    });
  });

  await scene('par: an unknown type and an unknown member of authorization_details are refused', async () => {
    for (const wrong of [{ ...payment, type: 'no_such_type' }, { ...payment, no_such_member: true }]) {
      await refused(push(planner, plannersRequest(wrong)), 'invalid_authorization_details');
    }
  });

  await scene(`dpop: ${serving.nonces ? 'nonces were demanded' : 'no nonce was demanded'}`, async () => {
    assert.equal(planner.answers.nonceChallenges > 0, serving.nonces);
  });
}
