// Client credentials (OAuth 2.1 section 4.2): an agent's own work, bound to its key and to a task of its own.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { refused } from '../lib/refusal.mjs';
import { isBoundTo, isOwnWork, verified } from '../lib/tokens.mjs';
import { BANK } from '../lib/world.mjs';

export default async function clientCredentials(scene, serving) {
  const { issuer, planner } = serving.world;
  const ask = (parameters, options = { DPoP: planner.DPoP }) =>
    client.clientCredentialsGrant(planner.config, parameters, options);

  await scene('client_credentials: a token for one resource, under the ceiling', async () => {
    const answer = await ask({ resource: BANK, scope: 'accounts:read' });
    assert.equal(answer.refresh_token, undefined);
    const claims = await verified(planner, answer);
    isOwnWork(claims, issuer, 'agt_planner');
    await isBoundTo(claims, planner);
    assert.equal(claims.scope, 'accounts:read');
    assert.notEqual(claims.mission.id, serving.claims.mission.id);
    const seen = await client.tokenIntrospection(serving.bank, answer.access_token);
    assert.equal(seen.active, true);
    assert.equal(seen.act, undefined);
  });

  await scene('client_credentials: asked for nothing, it is for the issuer alone', async () => {
    const claims = await verified(planner, await ask(), issuer);
    isOwnWork(claims, issuer, 'agt_planner');
    assert.equal(claims.scope, undefined);
    assert.equal(claims.authorization_details, undefined);
  });

  await scene('client_credentials: nothing beyond the ceiling, and never without a proof', async () => {
    await refused(ask({ resource: BANK, scope: 'accounts:write' }), 'invalid_scope');
    await refused(ask({ resource: BANK, scope: 'accounts:read' }, {}), 'invalid_request');
  });
}
