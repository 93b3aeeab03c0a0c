// OpenID Connect for a plain client: an ID token whose signature openid-client checks, and `/userinfo` with DPoP.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { approved } from '../lib/journey.mjs';
import { isBoundTo, verified } from '../lib/tokens.mjs';

export default async function openid(scene, serving) {
  const { issuer, web } = serving.world;
  let answer;

  await scene('openid: a plain client learns who logged in', async () => {
    client.enableNonRepudiationChecks(web.config);
    const nonce = client.randomNonce();
    const { callback, checks } = await approved(web, { scope: 'openid', nonce });
    answer = await client.authorizationCodeGrant(
      web.config,
      callback,
      { ...checks, expectedNonce: nonce, idTokenExpected: true, maxAge: 300 },
      undefined,
      { DPoP: web.DPoP },
    );
    const identity = answer.claims();
    assert.match(identity.sub, /^usr_/);
    assert.equal(identity.aud, 'web');
    assert.equal(identity.nonce, nonce);
    for (const name of ['acr', 'at_hash']) assert.equal(typeof identity[name], 'string', name);
    assert.ok(Array.isArray(identity.amr));
  });

  await scene('openid: the token is for the issuer alone, bound, and names no actor', async () => {
    const claims = await verified(web, answer, issuer);
    await isBoundTo(claims, web);
    assert.equal(claims.act, undefined);
    assert.equal(claims.sub, answer.claims().sub);
  });

  await scene('openid: /userinfo answers the holder of the key', async () => {
    const { sub } = answer.claims();
    const said = await client.fetchUserInfo(web.config, answer.access_token, sub, { DPoP: web.DPoP });
    assert.equal(said.sub, sub);
  });
}
