// private_key_jwt by oauth4webapi, with the keys of the client at its `jwks_uri`: fetched once, and kept.

import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { serveDocuments } from '../lib/documents.mjs';
import { Application, discovered, refused } from '../lib/flow.mjs';
import { keyPair } from '../lib/keys.mjs';
import { API, createWorld } from '../lib/world.mjs';

export default async function play(scene, setting) {
  const documents = await serveDocuments(setting);
  const world = await createWorld(setting, documents.settings('OUTBOUND'));
  await world.api();
  const as = await discovered(world.issuer);

  for (const alg of ['RS256', 'ES256']) {
    await scene(`${alg}: code and refresh, with one fetch`, async () => {
      const { privateKey, jwk } = await keyPair(alg);
      const { jwks_uri, client_id } = await registered(world, documents, `/${alg}.json`, [jwk]);
      const before = documents.asked;
      const application = signing(as, client_id, privateKey, jwk.kid);
      const answer = await application.redeem(await application.approved({ scope: 'read', resource: API }));
      const again = await application.refresh(answer.refresh_token);
      assert.equal(again.scope, 'read');
      assert.equal(documents.asked - before, 1, jwks_uri);
    });
  }

  await scene('two keys at once: either serves', async () => {
    const pairs = await Promise.all([keyPair('ES256'), keyPair('RS256')]);
    const { client_id } = await registered(world, documents, '/both.json', pairs.map(({ jwk }) => jwk));
    for (const { privateKey, jwk } of pairs) {
      const application = signing(as, client_id, privateKey, jwk.kid);
      await application.redeem(await application.approved({ scope: 'read', resource: API }));
    }
  });

  await scene('misuse: a key set that is not there, or another key, is invalid_client', async () => {
    const { privateKey, jwk } = await keyPair('ES256');
    const missing = await world.client({ ...FILE, jwks_uri: `${documents.origin}/missing.json` });
    await refused(signing(as, missing.client_id, privateKey, jwk.kid).refresh('any'), 'invalid_client');
    const other = await registered(world, documents, '/other.json', [(await keyPair('ES256')).jwk]);
    await refused(signing(as, other.client_id, privateKey, jwk.kid).refresh('any'), 'invalid_client');
  });
}

const FILE = { token_endpoint_auth_method: 'private_key_jwt', scope: 'read', bearer: true };

async function registered(world, documents, path, keys) {
  const jwks_uri = documents.keys(path, keys);
  const { client_id } = await world.client({ ...FILE, jwks_uri });
  return { jwks_uri, client_id };
}

const signing = (as, client_id, key, kid) => new Application(as, { client_id }, oauth.PrivateKeyJwt({ key, kid }));
