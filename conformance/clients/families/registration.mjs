// Open registration (RFC 7591) by oauth4webapi, and with the bodies that applications of today send.

import assert from 'node:assert/strict';

import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { Application, asked, discovered, PLAIN, refused } from '../lib/flow.mjs';
import { API, CALLBACK, createWorld, GUESTS, OPEN, PERSON } from '../lib/world.mjs';

/** What each application is known to send; `scope` as the API's metadata has it. */
const APPLICATIONS = {
  'a desktop assistant': {
    client_name: 'Assistant',
    client_uri: 'https://assistant.example',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'read',
    redirect_uris: ['http://localhost:53682/callback'],
  },
  'an assistant on the web, with a secret': {
    client_name: 'Web assistant',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'read',
    redirect_uris: ['https://assistant.example/api/mcp/auth_callback'],
  },
  'an editor': {
    client_name: 'Editor',
    client_uri: 'https://editor.example',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: [
      'https://editor.example/redirect',
      'https://insiders.editor.example/redirect',
      'http://localhost/',
      'http://127.0.0.1/',
      'http://127.0.0.1:33418/',
      'http://localhost:33418/',
    ],
    scope: 'read',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
  'an editor with a scheme of its own': {
    client_name: 'Other editor',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['com.example.editor://mcp/oauth/callback'],
    token_endpoint_auth_method: 'none',
  },
  'an editor with a scheme that an operator listed': {
    client_name: 'Third editor',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['editor://anything.mcp/oauth/callback'],
    token_endpoint_auth_method: 'none',
  },
  'an inspector in the browser': {
    client_name: 'Inspector',
    client_uri: 'https://inspector.example',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://localhost:6274/oauth/callback/debug', 'http://localhost:6274/oauth/callback'],
    token_endpoint_auth_method: 'none',
    scope: '',
  },
};

const SIGNING = { token_endpoint_auth_method: 'private_key_jwt' };

export default async function play(scene, setting) {
  const world = await createWorld(setting, { ...OPEN, WRIT__GUESTS__SCHEMES: 'editor' });
  await world.api({ guests: { mode: 'bearer', scopes: ['read'] } });
  const as = await discovered(world.issuer);

  await scene('what is left out has the defaults of RFC 7591 section 2', async () => {
    const client = await register(as, { redirect_uris: [CALLBACK] });
    assert.equal(client.token_endpoint_auth_method, 'client_secret_basic');
    assert.deepEqual(client.grant_types, ['authorization_code']);
    assert.deepEqual(client.response_types, ['code']);
    assert.equal(typeof client.client_secret, 'string');
    assert.equal(typeof client.client_secret_expires_at, 'number');
  });

  for (const [title, metadata] of Object.entries(APPLICATIONS)) {
    await scene(`${title} registers, the person agrees, and it refreshes`, async () => {
      await whole(as, await register(as, metadata), metadata.redirect_uris[0]);
    });
  }

  await scene('the answer is not kept by caches, and readable by pages of other origins', async () => {
    const answer = await post(as, JSON.stringify({ redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' }));
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  });

  for (const [why, body, code] of [
    ['no redirect', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['a redirect with a fragment', { redirect_uris: [`${CALLBACK}#x`] }, 'invalid_redirect_uri'],
    ['plain http on another machine', { redirect_uris: ['http://app.example/cb'] }, 'invalid_redirect_uri'],
    ['a script as redirect', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [
      'both `jwks` and `jwks_uri`',
      { redirect_uris: [CALLBACK], ...SIGNING, jwks: { keys: [] }, jwks_uri: 'https://app.example/jwks' },
      'invalid_client_metadata',
    ],
    ['a response type of old', { redirect_uris: [CALLBACK], response_types: ['token'] }, 'invalid_client_metadata'],
    ['an unknown way to authenticate', { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'magic' }, 'invalid_client_metadata'],
  ]) {
    await scene(`misuse: ${why} is ${code}`, async () => {
      await refused(register(as, { client_name: 'Scenes', ...body }), code);
    });
  }

  await scene('misuse: what is no JSON object is invalid_client_metadata', async () => {
    for (const body of ['', '[]', '{"redirect_uris":']) {
      const answer = await post(as, body);
      assert.equal(answer.status, 400, body);
      assert.equal((await answer.json()).error, 'invalid_client_metadata', body);
    }
  });

  await scene('misuse: a registered guest asks for a redirect that it did not register', async () => {
    const { client_id } = await register(as, { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' });
    const application = new Application(as, { client_id }, oauth.None());
    const said = await asked(await application.request({ redirect_uri: 'https://evil.example/cb', scope: 'read', resource: API }));
    assert.deepEqual([said.status, said.landed], [400, undefined]);
  });

  await invited(scene, setting);
}

/** By initial access tokens alone, which an operator makes. */
async function invited(scene, setting) {
  const world = await createWorld(setting, { ...GUESTS, WRIT__REGISTRATION__MODE: 'token' });
  const as = await discovered(world.issuer);
  const metadata = { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' };

  await scene('with an initial access token, as often as it says, and not without', async () => {
    const said = await world.writ(['client', 'invite', '--uses', '1', '--expires', '1h']);
    const { initial_access_token: initialAccessToken } = JSON.parse(said);
    const client = await register(as, metadata, { initialAccessToken });
    assert.equal(typeof client.client_id, 'string');
    await challenged(register(as, metadata, { initialAccessToken }));
    await challenged(register(as, metadata));
  });
}

async function challenged(request) {
  await assert.rejects(request, (error) => error.status === 401 && error.cause[0].scheme === 'bearer');
}

async function register(as, metadata, options = {}) {
  const answer = await oauth.dynamicClientRegistrationRequest(as, metadata, { ...PLAIN, ...options });
  return oauth.processDynamicClientRegistrationResponse(answer);
}

function post(as, body) {
  const headers = { 'content-type': 'application/json', origin: 'https://page.example' };
  return fetch(as.registration_endpoint, { method: 'POST', headers, body });
}

async function whole(as, client, redirectUri) {
  const { client_id, client_secret, token_endpoint_auth_method: method } = client;
  const authentications = {
    none: oauth.None,
    client_secret_post: () => oauth.ClientSecretPost(client_secret),
    client_secret_basic: () => oauth.ClientSecretBasic(client_secret),
  };
  const application = new Application(as, { client_id }, authentications[method]());
  const url = await application.request({ redirect_uri: redirectUri, scope: 'read', resource: API });
  const callback = application.checked(await new Browser().approve(url, PERSON));
  const answer = await application.redeem(callback, { redirectUri });
  assert.equal(answer.scope, 'read');
  assert.equal(decodeJwt(answer.access_token).act.sub, client_id);
  const again = await application.refresh(answer.refresh_token);
  assert.equal(decodeJwt(again.access_token).mission.id, decodeJwt(answer.access_token).mission.id);
}
