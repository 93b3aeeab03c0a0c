// RFC 8414 and OpenID Connect Discovery: openid-client finds its way by metadata alone.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { discover } from '../lib/application.mjs';
import { TOKEN_EXCHANGE } from '../lib/world.mjs';

export default async function discovery(scene, serving) {
  const { world } = serving;

  await scene('discovery finds what is switched on', async () => {
    for (const application of world.applications()) await application.connect();
    const metadata = world.planner.config.serverMetadata();
    assert.equal(metadata.issuer, world.issuer);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.ok(metadata.supportsPKCE());
    holds(metadata.token_endpoint_auth_methods_supported, ['private_key_jwt', 'client_secret_basic']);
    holds(metadata.dpop_signing_alg_values_supported, ['ES256']);
    holds(metadata.authorization_details_types_supported, ['payment']);
    holds(metadata.grant_types_supported, [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      TOKEN_EXCHANGE,
    ]);
    assert.equal(metadata.mission_bound_authorization_supported, true);
  });

  await scene('the OpenID configuration names the same issuer and endpoints', async () => {
    const config = await client.discovery(new URL(world.issuer), 'web', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    const [openid, oauth] = [config, world.planner.config].map((c) => c.serverMetadata());
    for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
      assert.equal(openid[name], oauth[name], name);
    }
  });

  await scene('the resource server connects by client_secret_basic', async () => {
    const secret = world.bankApi.client_secret;
    assert.equal(typeof secret, 'string', '`client add` prints the generated `client_secret`');
    serving.bank = await discover(
      world.issuer,
      'bank-api',
      undefined,
      client.ClientSecretBasic(secret),
    );
  });
}

function holds(list, wanted) {
  for (const member of wanted) assert.ok(list?.includes(member), `${member} in ${list}`);
}
