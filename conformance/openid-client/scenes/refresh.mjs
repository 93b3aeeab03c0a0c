// Refresh (OAuth 2.1 section 4.3): an agent's refresh token is bound to its client, each use needs a proof, nothing widens.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { refused } from '../lib/refusal.mjs';
import { holdsPayment, isBoundTo, isForPerson, verified } from '../lib/tokens.mjs';
import { widened } from '../lib/payments.mjs';

export default async function refresh(scene, serving) {
  const { issuer, payment, planner, booker } = serving.world;
  const again = (application, parameters, options = { DPoP: application.DPoP }) =>
    client.refreshTokenGrant(application.config, serving.tokens.refresh_token, parameters, options);

  await scene('refresh: the same task, the same authority, bound', async () => {
    const answer = await again(planner);
    const claims = await verified(planner, answer);
    isForPerson(claims, issuer, ['agt_planner']);
    await isBoundTo(claims, planner);
    assert.equal(claims.mission.id, serving.claims.mission.id);
    assert.equal(holdsPayment(claims, payment), serving.ref, '`ref` survives');
  });

  await scene('refresh: without a proof it is refused, never a bearer token', async () => {
    await refused(again(planner, undefined, {}), 'invalid_request');
  });

  await scene('refresh: of no use to another client', async () => {
    await refused(again(booker), 'invalid_grant');
  });

  await scene('refresh: wider than granted is refused', async () => {
    await refused(again(planner, { scope: 'accounts:read accounts:write' }), 'invalid_scope');
    const wider = { authorization_details: JSON.stringify([widened(payment)]) };
    await refused(again(planner, wider), 'invalid_authorization_details');
  });
}
