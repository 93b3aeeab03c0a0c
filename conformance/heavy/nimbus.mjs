// Nimbus's OAuth 2.0 SDK with OpenID Connect extensions, for Java: every method of authentication, and what it verifies itself.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { API, createWorld, PERSON } from '../clients/lib/world.mjs';
import { Kind, misuse } from './application.mjs';
import { compiled } from './toolchain.mjs';

const SCOPES = ['openid', 'profile', 'offline_access'];
const METHODS = [
  ['client_secret_basic'],
  ['client_secret_post'],
  ['none'],
  ['private_key_jwt', 'RS256'],
  ['private_key_jwt', 'ES256'],
];
const NONCES = { WRIT__PROFILES__OAUTH21__DPOP_NONCE: 'true' };
const BYE = 'https://app.example/bye';

export default async function play(scene, setting) {
  const command = await compiled(setting.open, 'nimbus', { main: 'writ.Application' });
  const world = await createWorld(setting, NONCES);
  const api = await world.api();
  const kind = new Kind(world, setting.open, command);
  const visited = (file, settings) => kind.visited({ scope: SCOPES.join(' '), ...file }, { scopes: SCOPES, ...settings });

  for (const [method, alg] of METHODS) {
    await scene(`${[method, alg].filter(Boolean).join(' with ')}: login, userinfo, refresh with an ID token`, async () => {
      const [file, key] = alg ? keyed(alg) : [];
      const said = await visited({ token_endpoint_auth_method: method, ...file }, { method, key });
      assert.match(said.sub, /^usr_/);
      const { scope, ...rest } = said;
      assert.deepEqual(new Set(scope.split(' ')), new Set(SCOPES));
      assert.deepEqual(rest, {
        token_type: 'Bearer', alg: 'RS256', sub: said.sub, userinfo: said.sub, name: PERSON.username, again: said.sub,
      });
    });
  }

  await scene('an ID token with ES256', async () => {
    const said = await visited({ id_token_signed_response_alg: 'ES256' }, { id_token_alg: 'ES256' });
    assert.equal(said.alg, 'ES256');
    assert.equal(said.again, said.sub);
  });

  await scene('pushed, and bound by DPoP with the nonces that the server asks for', async () => {
    const said = await visited({ bearer: false, require_pushed_authorization_requests: true }, { pushed: true, dpop: true });
    assert.equal(said.token_type, 'DPoP');
    assert.equal(said.asked_for_nonce, true);
    assert.equal(said.userinfo, said.sub);
    assert.equal(said.again, said.sub);
  });

  await scene('a token for an API is active there; revoked, it is not, and a refresh is `invalid_grant`', async () => {
    const scopes = ['openid', 'read'];
    const said = await visited({ scope: scopes.join(' ') }, { scopes, resource: API, api });
    assert.deepEqual(new Set(said.scope.split(' ')), new Set(scopes));
    assert.deepEqual([said.active, said.active_when_revoked], [true, false]);
    assert.equal(said.refresh_when_revoked, 'invalid_grant');
  });

  await scene('logout leads back with `state`', async () => {
    const application = await kind.application(
      { scope: SCOPES.join(' '), post_logout_redirect_uris: [BYE] },
      { scopes: SCOPES, post_logout_redirect_uri: BYE },
    );
    const said = await application.visited();
    assert.equal((await application.browser.signOut(said.logout)).href, `${BYE}?state=later`);
  });

  await misuse(scene, kind, { scopes: SCOPES, wrongSecret: 401 });

  await scene('misuse: a wrong secret in the form is `invalid_client` with 400', async () => {
    const file = { scope: SCOPES.join(' '), token_endpoint_auth_method: 'client_secret_post' };
    const settings = { scopes: SCOPES, method: 'client_secret_post', client_secret: 'wrong' };
    const application = await kind.application(file, settings);
    const { said } = await application.answer(await application.landed());
    assert.deepEqual(said, { refused: 'invalid_client', status: 400 });
  });

  await scene('misuse: an assertion by another key is `invalid_client`', async () => {
    const [file] = keyed('ES256');
    const [, other] = keyed('ES256');
    const method = 'private_key_jwt';
    const registered = { scope: SCOPES.join(' '), token_endpoint_auth_method: method, ...file };
    const application = await kind.application(registered, { scopes: SCOPES, method, key: other });
    const { said } = await application.answer(await application.landed());
    assert.deepEqual(said, { refused: 'invalid_client', status: 400 });
  });

  await scene('misuse: an ID token for another client is not taken', async () => {
    const application = await kind.application({ scope: SCOPES.join(' ') }, { scopes: SCOPES, verifies_as: 'somebody-else' });
    const { said } = await application.answer(await application.landed());
    assert.match(said.error, /audience/);
  });

  await scene('misuse: the answer of another issuer is not taken', async () => {
    const application = await kind.application({ scope: SCOPES.join(' ') }, { scopes: SCOPES });
    const callback = await application.landed();
    callback.searchParams.set('iss', 'https://elsewhere.example');
    assert.equal((await application.answer(callback)).said.error, 'another issuer');
  });
}

/** A fresh key: what is registered of it, and what the application has. */
function keyed(alg) {
  const { publicKey, privateKey } = alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = (key) => ({ ...key.export({ format: 'jwk' }), kid: 'application', alg });
  return [{ jwks: { keys: [jwk(publicKey)] } }, jwk(privateKey)];
}
