// OpenID Connect as ordinary applications ask for it: `openid profile email offline_access`, an ID token signed with RS256 unless
// the client wants another, userinfo, silent login, logout.

import assert from 'node:assert/strict';

import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { Application, asked, discovered, PLAIN, refused } from '../lib/flow.mjs';
import { API, CALLBACK, createWorld, PERSON } from '../lib/world.mjs';

const USUAL = 'openid profile email offline_access';
const BYE = 'https://app.example/bye';

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  await world.api();
  const as = await discovered(world.issuer, 'oidc');
  const application = (more = {}) => registered(world, as, { scope: USUAL, bearer: true, ...more });

  await scene('discovery: what OpenID Connect Discovery section 3 requires is there, RS256 among it', async () => {
    for (const name of ['subject_types_supported', 'id_token_signing_alg_values_supported', 'scopes_supported', 'claims_supported']) {
      assert.ok(Array.isArray(as[name]), name);
    }
    assert.ok(as.id_token_signing_alg_values_supported.includes('RS256'));
    for (const name of USUAL.split(' ')) assert.ok(as.scopes_supported.includes(name), name);
  });

  await scene('login: a client that says nothing of algorithms gets RS256', async () => {
    const { identity, header } = await login(await application(), 'openid');
    assert.equal(header.alg, 'RS256');
    assert.match(identity.sub, /^usr_/);
  });

  for (const alg of ['RS256', 'ES256']) {
    await scene(`login: ${alg}, and the signature is right`, async () => {
      const { header } = await login(await application({ id_token_signed_response_alg: alg }), 'openid');
      assert.equal(header.alg, alg);
    });
  }

  await scene(`login: \`${USUAL}\` is granted whole, and the refresh token works`, async () => {
    const web = await application();
    const { answer, identity } = await login(web, USUAL, { prompt: 'consent' });
    assert.deepEqual(new Set(answer.scope.split(' ')), new Set(USUAL.split(' ')));
    const again = await web.refresh(answer.refresh_token);
    assert.equal(decodeJwt(again.access_token).sub, identity.sub);
  });

  await scene('login: userinfo names the person', async () => {
    const web = await application();
    const { answer, identity } = await login(web, USUAL);
    const said = await web.userinfo(answer.access_token, identity.sub);
    assert.equal(said.preferred_username, PERSON.username);
  });

  await scene('login: userinfo without a token is a challenge, with a token for an API too', async () => {
    const bare = await fetch(as.userinfo_endpoint);
    assert.equal(bare.status, 401);
    assert.match(bare.headers.get('www-authenticate'), /^(Bearer|DPoP)/);
    const web = await application({ scope: `${USUAL} read` });
    const callback = await web.approved({ scope: 'read', resource: API });
    const { access_token } = await web.redeem(callback);
    const wrong = await fetch(as.userinfo_endpoint, { headers: { authorization: `Bearer ${access_token}` } });
    assert.ok([401, 403].includes(wrong.status), String(wrong.status));
    assert.match(wrong.headers.get('www-authenticate'), /error="(invalid_token|insufficient_scope)"/);
  });

  await scene('login: bound by DPoP, userinfo with a proof', async () => {
    const web = await (await application({ bearer: false })).bind();
    const { answer, identity } = await login(web, 'openid profile');
    assert.equal(answer.token_type, 'dpop');
    assert.equal((await web.userinfo(answer.access_token, identity.sub)).sub, identity.sub);
  });

  await scene('login: an ID token beside an API: the access token is for the API, the ID token for the client', async () => {
    const web = await application({ scope: `${USUAL} read` });
    const { answer, identity } = await login(web, 'openid read', { resource: API });
    assert.equal(decodeJwt(answer.access_token).aud, API);
    assert.equal(identity.aud, web.client.client_id);
    assert.deepEqual(new Set(answer.scope.split(' ')), new Set(['openid', 'read']));
  });

  await scene('login: `max_age` is in the ID token', async () => {
    const web = await application();
    const { answer } = await login(web, 'openid', { max_age: '300' }, { maxAge: 300 });
    assert.equal(typeof oauth.getValidatedIdTokenClaims(answer).auth_time, 'number');
  });

  await scene('silent: `prompt=none` without a login is `login_required` at the redirect', async () => {
    const web = await application();
    const said = await asked(await web.request({ scope: 'openid', prompt: 'none' }));
    assert.equal(said.error, 'login_required');
  });

  await scene('silent: `prompt=none` beside another value is `invalid_request`', async () => {
    const web = await application();
    const said = await asked(await web.request({ scope: 'openid', prompt: 'none login' }));
    assert.equal(said.error, 'invalid_request');
  });

  await scene('unknown scopes are left out, and the answer says what was granted', async () => {
    const web = await application();
    const { answer } = await login(web, 'openid no-such-scope address');
    assert.equal(answer.scope, 'openid');
  });

  await scene('logout: ends the login, and goes back only where the client is registered for', async () => {
    const web = await application({ post_logout_redirect_uris: [BYE] });
    const browser = new Browser();
    const { answer } = await login(web, 'openid', {}, {}, browser);
    const url = new URL(as.end_session_endpoint);
    url.search = new URLSearchParams({ id_token_hint: answer.id_token, post_logout_redirect_uri: BYE, state: 'later' });
    const landed = await browser.signOut(url);
    assert.equal(landed.href, `${BYE}?state=later`);
    const silent = await web.request({ scope: 'openid', prompt: 'none' });
    assert.equal((await browser.approve(silent, PERSON)).searchParams.get('error'), 'login_required');
    url.searchParams.set('post_logout_redirect_uri', 'https://evil.example/');
    const evil = await fetch(url, { redirect: 'manual' });
    assert.ok(!(evil.headers.get('location') ?? '').startsWith('https://evil.example'));
  });

  await scene('misuse: an ID token is no access token', async () => {
    const web = await application();
    const { answer } = await login(web, 'openid');
    const said = await fetch(as.userinfo_endpoint, { headers: { authorization: `Bearer ${answer.id_token}` } });
    assert.equal(said.status, 401);
  });

  await scene('misuse: a code of a login is good once', async () => {
    const web = await application();
    const callback = await web.approved({ scope: 'openid' });
    await web.redeem(callback);
    await refused(web.redeem(callback), 'invalid_grant');
  });
}

/** Logs in with a nonce; every check that oauth4webapi has is made. */
async function login(application, scope, changes = {}, expected = {}, browser = new Browser()) {
  const nonce = oauth.generateRandomNonce();
  const landed = await browser.approve(await application.request({ scope, nonce, ...changes }), PERSON);
  const { as, client, authentication, verifier, options } = application;
  const callback = application.checked(landed);
  const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, CALLBACK, verifier, options);
  const kept = response.clone();
  const answer = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
    ...expected,
  });
  await oauth.validateApplicationLevelSignature(as, response, PLAIN);
  await kept.body?.cancel();
  const identity = oauth.getValidatedIdTokenClaims(answer);
  return { answer, identity, header: decodeProtectedHeader(answer.id_token) };
}

async function registered(world, as, file) {
  const { client_id, client_secret } = await world.client(file);
  const metadata = { client_id };
  if (file.id_token_signed_response_alg) metadata.id_token_signed_response_alg = file.id_token_signed_response_alg;
  return new Application(as, metadata, oauth.ClientSecretBasic(client_secret));
}
