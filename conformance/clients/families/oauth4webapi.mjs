// oauth4webapi with its defaults: every way to authenticate a client, code + PKCE, refresh, introspection, revocation, DPoP; and
// each misuse with the code that its specification gives it.

import assert from 'node:assert/strict';

import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';

import { Application, asked, discovered, PLAIN, refused } from '../lib/flow.mjs';
import { keyPair } from '../lib/keys.mjs';
import { API, createWorld } from '../lib/world.mjs';

/** RFC 6749 section 5.2: 401 is a challenge, so it is for whoever sent the header. */
const statusFor = (method) => (method === 'client_secret_basic' ? 401 : 400);
const SECRETS = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost };

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  const api = await world.api();
  const as = await discovered(world.issuer);

  for (const method of Object.keys(SECRETS)) {
    await scene(`${method}: code and refresh`, async () => {
      const registered = await world.client(bearer({ token_endpoint_auth_method: method }));
      await whole(world, withSecret(as, registered));
    });
  }

  for (const alg of ['RS256', 'PS256', 'ES256']) {
    await scene(`private_key_jwt with ${alg}: code and refresh`, async () => {
      const { privateKey, jwk } = await keyPair(alg);
      const file = bearer({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } });
      const { client_id } = await world.client(file);
      const authentication = oauth.PrivateKeyJwt({ key: privateKey, kid: jwk.kid });
      await whole(world, new Application(as, { client_id }, authentication));
    });
  }

  await scene('none: code and refresh', async () => {
    await whole(world, await publicApplication(world, as));
  });

  await scene('revocation: a refresh token that its client revoked is worth nothing, and its tokens are not active', async () => {
    const application = await publicApplication(world, as);
    const { access_token, refresh_token } = await tokens(application);
    const other = await publicApplication(world, as);
    await other.revoke(refresh_token).catch(() => {}); // RFC 7009 section 2.1: refused or ignored, never done
    const again = await application.refresh(refresh_token);
    const last = again.refresh_token ?? refresh_token;
    await application.revoke(last, { token_type_hint: 'refresh_token' });
    await refused(application.refresh(last), 'invalid_grant');
    const bystander = withSecret(as, { ...api, token_endpoint_auth_method: 'client_secret_basic' });
    assert.deepEqual(await bystander.introspect(access_token), { active: false });
    await application.revoke('no-such-token'); // RFC 7009 section 2.2: 200 all the same
  });

  await scene('refresh: a lost answer is made good once, and a third use of one token ends the grant', async () => {
    const application = await publicApplication(world, as);
    const { refresh_token } = await tokens(application);
    await application.refresh(refresh_token); // its answer is lost
    const twin = await application.refresh(refresh_token);
    await refused(application.refresh(refresh_token), 'invalid_grant');
    await refused(application.refresh(twin.refresh_token), 'invalid_grant');
  });

  await scene('introspection: the API sees its token, another client nothing', async () => {
    const { access_token } = await tokens(await publicApplication(world, as));
    const seen = await withSecret(as, { ...api, token_endpoint_auth_method: 'client_secret_basic' }).introspect(access_token);
    assert.equal(seen.active, true);
    assert.equal(seen.aud, API);
    assert.equal(seen.scope, 'read');
    const stranger = await world.client({
      client_id: 'stranger',
      redirect_uris: [],
      grant_types: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    });
    const inactive = await withSecret(as, stranger).introspect(access_token);
    assert.deepEqual(inactive, { active: false });
  });

  await scene('dpop: the token is bound, and stays bound on refresh', async () => {
    const application = await (await publicApplication(world, as, {})).bind();
    const answer = await tokens(application);
    assert.equal(answer.token_type, 'dpop');
    const jkt = await application.options.DPoP.calculateThumbprint();
    assert.deepEqual(decodeJwt(answer.access_token).cnf, { jkt });
    const again = await application.refresh(answer.refresh_token);
    assert.deepEqual(decodeJwt(again.access_token).cnf, { jkt });
    delete application.options.DPoP;
    await refused(application.refresh(again.refresh_token), 'invalid_request');
  });

  await misuse(scene, world, as);
}

async function misuse(scene, world, as) {
  const application = await publicApplication(world, as);

  await scene('misuse: a redirect that is not registered gets a page and no redirect', async () => {
    for (const redirect_uri of ['https://app.example/cb/', 'https://evil.example/cb', 'https://app.example/cb?x=1']) {
      const said = await asked(await application.request({ redirect_uri }));
      assert.deepEqual(said, { status: 400, landed: undefined, linked: undefined, error: undefined }, redirect_uri);
    }
  });

  await scene('misuse: what is wrong with a request is said at the redirect, with `iss` and `state`', async () => {
    for (const [changes, error] of [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ resource: 'https://elsewhere.example', scope: 'read' }, 'invalid_target'],
      [{ resource: `${API}#fragment`, scope: 'read' }, 'invalid_target'],
    ]) {
      const said = await asked(await application.request({ scope: 'read', resource: API, ...changes }));
      assert.equal(said.error, error, JSON.stringify(changes));
      assert.throws(() => application.checked(said.landed), { error }, 'oauth4webapi takes it for an answer of this server');
    }
  });

  await scene('misuse: a code with another verifier, redirect, resource or client is refused', async () => {
    const other = await publicApplication(world, as);
    const wrong = [
      ['invalid_grant', (callback) => application.redeem(callback, { verifier: oauth.generateRandomCodeVerifier() })],
      ['invalid_grant', (callback) => application.redeem(callback, { redirectUri: 'https://app.example/other' })],
      ['invalid_target', (callback) => application.redeem(callback, { parameters: { resource: 'https://elsewhere.example' } })],
      ['invalid_grant', (callback) => other.redeem(callback, { verifier: application.verifier })],
    ];
    for (const [code, redeem] of wrong) {
      const callback = await application.approved({ scope: 'read', resource: API });
      await refused(redeem(callback), code);
    }
  });

  await scene('misuse: a code is good once', async () => {
    const callback = await application.approved({ scope: 'read', resource: API });
    await application.redeem(callback);
    await refused(application.redeem(callback), 'invalid_grant');
  });

  await scene('misuse: a refresh token of another client, or wider than granted, is refused', async () => {
    const { refresh_token } = await tokens(application);
    const other = await publicApplication(world, as);
    await refused(other.refresh(refresh_token), 'invalid_grant');
    await refused(application.refresh(refresh_token, { scope: 'read write' }), 'invalid_scope');
    await refused(application.refresh('no-such-token'), 'invalid_grant');
  });

  for (const [method, authenticate] of Object.entries(SECRETS)) {
    await scene(`misuse: ${method}: a wrong secret and an unknown client are refused alike`, async () => {
      const { client_id } = await world.client(bearer({ token_endpoint_auth_method: method }));
      for (const id of [client_id, 'nobody']) {
        await refused(new Application(as, { client_id: id }, authenticate('wrong')).refresh('any'), 'invalid_client', statusFor(method));
      }
    });
  }

  await scene('misuse: a secret sent in another way than registered is refused', async () => {
    for (const [method, other] of [Object.keys(SECRETS), Object.keys(SECRETS).toReversed()]) {
      const { client_id, client_secret } = await world.client(bearer({ token_endpoint_auth_method: method }));
      const application = new Application(as, { client_id }, SECRETS[other](client_secret));
      await refused(application.refresh('any'), 'invalid_client', statusFor(other));
    }
  });
}

/** Code, token and refresh of one application. */
async function whole(world, application) {
  const answer = await tokens(application);
  assert.equal(answer.token_type, 'bearer');
  assert.ok(answer.expires_in > 0);
  assert.equal(answer.scope, 'read');
  const keys = createRemoteJWKSet(new URL(application.as.jwks_uri));
  const { payload } = await jwtVerify(answer.access_token, keys, { issuer: world.issuer, audience: API, typ: 'at+jwt' });
  assert.equal(payload.client_id, application.client.client_id);
  const again = await application.refresh(answer.refresh_token);
  assert.equal(decodeJwt(again.access_token).sub, payload.sub);
  assert.equal(again.scope, 'read');
}

async function tokens(application) {
  return application.redeem(await application.approved({ scope: 'read', resource: API }));
}

/** No proof of possession: what clients send by default. */
function bearer(file) {
  return { scope: 'read write', bearer: true, ...file };
}

async function publicApplication(world, as, file = bearer({})) {
  const { client_id } = await world.client({ scope: 'read write', token_endpoint_auth_method: 'none', ...file });
  return new Application(as, { client_id }, oauth.None());
}

function withSecret(as, { client_id, client_secret, token_endpoint_auth_method }) {
  return new Application(as, { client_id }, SECRETS[token_endpoint_auth_method](client_secret));
}
