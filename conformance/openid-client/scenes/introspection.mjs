// RFC 7662, for the resource that the token is for and for nobody else.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { BANK } from '../lib/world.mjs';

export default async function introspection(scene, serving) {
  const { planner, booker } = serving.world;

  await scene('introspection: the bank sees what the token says', async () => {
    const answer = await client.tokenIntrospection(serving.bank, serving.tokens.access_token);
    assert.equal(answer.active, true);
    assert.equal(answer.aud, BANK);
    assert.equal(answer.token_type, 'DPoP');
    for (const name of ['iss', 'sub', 'client_id', 'act', 'cnf', 'scope', 'authorization_details']) {
      assert.deepEqual(answer[name], serving.claims[name], name);
    }
    assert.equal(answer.mission.id, serving.claims.mission.id);
  });

  await scene('introspection: to others, and of what is no token, it is inactive and no more', async () => {
    const { access_token: token } = serving.tokens;
    for (const [asker, asked] of [
      [booker.config, token],
      [planner.config, token],
      [serving.bank, `${token.slice(0, -4)}AAAA`],
      [serving.bank, serving.tokens.refresh_token],
    ]) {
      assert.deepEqual(await client.tokenIntrospection(asker, asked), { active: false });
    }
  });
}
