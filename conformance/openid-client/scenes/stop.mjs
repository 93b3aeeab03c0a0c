// Stop means stop (docs/stop.md): after `writ task stop` everything below the task is dead.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { refused } from '../lib/refusal.mjs';
import { BANK, TOKEN_EXCHANGE } from '../lib/world.mjs';

export default async function stop(scene, serving) {
  const { world } = serving;
  const { planner } = world;

  await scene('stop: the task is listed, then stopped by the command line', async () => {
    const { id } = serving.claims.mission;
    const listed = await world.writ('task', 'list');
    assert.ok(listed.includes(id), listed);
    await world.writ('task', 'stop', id);
  });

  await scene('stop: every token below the task is inactive', async () => {
    for (const { access_token } of [serving.tokens, serving.narrowed, serving.handedOver]) {
      assert.deepEqual(await client.tokenIntrospection(serving.bank, access_token), { active: false });
    }
  });

  await scene('stop: no refresh and no exchange revives it', async () => {
    const DPoP = planner.DPoP;
    const refresh = client.refreshTokenGrant(planner.config, serving.tokens.refresh_token, undefined, { DPoP });
    await refused(refresh, 'invalid_grant');
    const subject = {
      subject_token: serving.tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: BANK,
    };
    const exchange = client.genericGrantRequest(planner.config, TOKEN_EXCHANGE, subject, { DPoP });
    await refused(exchange, 'invalid_request');
  });
}
