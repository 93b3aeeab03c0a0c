// oauth4webapi inside a page of another origin, in Chromium: what the server lets pages read (CORS), and what not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { launch } from '../../pages/lib/chromium.mjs';
import { API, createWorld, OPEN, PERSON } from '../lib/world.mjs';

const library = createRequire(import.meta.url).resolve('oauth4webapi');

export default async function play(scene, setting) {
  const world = await createWorld(setting, {
    ...OPEN,
    WRIT__PROFILES__OAUTH21__DPOP_NONCE: 'true', // the page must be able to read the nonce
  });
  await world.api({ guests: { mode: 'bearer', scopes: ['read'] } });
  const home = await site(setting.open);
  const chromium = await launch();
  setting.open.push(chromium);
  const tab = await chromium.newPage();
  const file = { redirect_uris: [`${home}/`], token_endpoint_auth_method: 'none', scope: 'openid profile read write' };
  const given = (client, more) => ({ issuer: world.issuer, client, home: `${home}/`, api: API, ...more });

  /** The page asks, the person agrees, the page redeems. */
  const redeemed = async (client, more = {}) => {
    await tab.goto(`${home}/`);
    const url = await tab.evaluate(ask, given(client, more));
    const landed = await new Browser().approve(url, PERSON);
    await tab.goto(landed.href);
    return tab.evaluate(redeem, given(client, more));
  };

  await scene('discovery and keys are readable', async () => {
    await tab.goto(`${home}/`);
    const said = await tab.evaluate(read, { issuer: world.issuer });
    assert.deepEqual(said, { issuer: world.issuer, keys: true });
  });

  await scene('code with PKCE and refresh, as a bearer client', async () => {
    const { client_id } = await world.client({ ...file, bearer: true });
    const said = await redeemed({ client_id }, { scope: 'read' });
    assert.deepEqual([said.error, said.scope, said.refreshed], [undefined, 'read', true]);
  });

  await scene('code and refresh with DPoP, whose nonce the page can read', async () => {
    const { client_id } = await world.client(file);
    const said = await redeemed({ client_id }, { scope: 'read', dpop: true });
    assert.deepEqual([said.error, said.token_type, said.refreshed], [undefined, 'dpop', true]);
  });

  await scene('login, userinfo, revocation', async () => {
    const { client_id } = await world.client({ ...file, bearer: true });
    const said = await redeemed({ client_id }, { scope: 'openid', userinfo: true, revoke: true });
    assert.equal(said.error, undefined);
    assert.equal(said.userinfo, said.sub);
    assert.equal(said.revoked, true);
  });

  await scene('the refusal of a request is readable, so that the page can say why', async () => {
    const { client_id } = await world.client({ ...file, bearer: true });
    await redeemed({ client_id }, { scope: 'read' });
    const said = await tab.evaluate(redeem, given({ client_id }, { scope: 'read' }));
    assert.equal(said.error, 'invalid_grant', 'the code is used up');
  });

  await scene('registration (RFC 7591) from a page', async () => {
    await tab.goto(`${home}/`);
    const metadata = {
      client_name: 'Page',
      redirect_uris: [`${home}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
    const client = await tab.evaluate(register, { issuer: world.issuer, metadata });
    assert.equal(typeof client.client_id, 'string');
    const said = await redeemed({ client_id: client.client_id }, { scope: 'read' });
    assert.deepEqual([said.error, said.scope], [undefined, 'read']);
  });

  await scene('misuse: pages of people are readable by no other origin', async () => {
    await tab.goto(`${home}/`);
    for (const path of ['/authorize?client_id=x', '/login', '/consent', '/app', '/device']) {
      assert.equal(await tab.evaluate(readable, `${world.issuer}${path}`), false, path);
    }
  });
}

/** A page with nothing but the library. */
async function site(open) {
  const script = await readFile(library);
  const server = createServer(({ url }, response) => {
    if (url === '/oauth4webapi.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Page</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((done) => server.close(done) && server.closeAllConnections()) });
  return `http://127.0.0.1:${server.address().port}`;
}

// What follows runs in the page.

async function read({ issuer }) {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  return { issuer: metadata.issuer, keys: keys.length > 0 };
}

async function ask({ issuer, client, home, api, scope }) {
  const oauth = await import('/oauth4webapi.js');
  const plain = { [oauth.allowInsecureRequests]: true };
  const from = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(from, await oauth.discoveryRequest(from, { ...plain, algorithm: 'oauth2' }));
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  sessionStorage.setItem('kept', JSON.stringify({ as, verifier, state }));
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: home,
    response_type: 'code',
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(scope.startsWith('openid') ? {} : { resource: api }),
  });
  return url.href;
}

async function redeem({ client, home, dpop, userinfo, revoke }) {
  const oauth = await import('/oauth4webapi.js');
  const plain = { [oauth.allowInsecureRequests]: true };
  const { as, verifier, state } = JSON.parse(sessionStorage.getItem('kept'));
  const options = dpop ? { ...plain, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) } : plain;
  const twice = async (send, take) => {
    try {
      return await take(await send());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return take(await send());
    }
  };
  try {
    const callback = oauth.validateAuthResponse(as, client, new URL(location.href), state);
    const tokens = await twice(
      () => oauth.authorizationCodeGrantRequest(as, client, oauth.None(), callback, home, verifier, options),
      (answer) => oauth.processAuthorizationCodeResponse(as, client, answer),
    );
    const said = { scope: tokens.scope, token_type: tokens.token_type, sub: oauth.getValidatedIdTokenClaims(tokens)?.sub };
    if (userinfo) {
      const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options);
      said.userinfo = (await oauth.processUserInfoResponse(as, client, said.sub, answer)).sub;
    }
    const again = await twice(
      () => oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, options),
      (answer) => oauth.processRefreshTokenResponse(as, client, answer),
    );
    said.refreshed = again.access_token !== tokens.access_token;
    if (revoke) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), again.refresh_token, plain));
      said.revoked = true;
    }
    return said;
  } catch (error) {
    return { error: error.error ?? String(error) };
  }
}

async function register({ issuer, metadata }) {
  const oauth = await import('/oauth4webapi.js');
  const plain = { [oauth.allowInsecureRequests]: true };
  const from = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(from, await oauth.discoveryRequest(from, { ...plain, algorithm: 'oauth2' }));
  const answer = await oauth.dynamicClientRegistrationRequest(as, metadata, plain);
  return oauth.processDynamicClientRegistrationResponse(answer);
}

async function readable(url) {
  try {
    await (await fetch(url)).text();
    return true;
  } catch {
    return false;
  }
}
