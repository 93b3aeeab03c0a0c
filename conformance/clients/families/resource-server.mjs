// express-oauth2-jwt-bearer, given only the issuer and its own audience: it takes our access tokens, bearer and bound, and
// nothing else that we sign.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import * as oauth from 'oauth4webapi';

import { Application, discovered, PLAIN } from '../lib/flow.mjs';
import { API, createWorld } from '../lib/world.mjs';

const ELSEWHERE = 'https://elsewhere.example';

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  await world.api();
  await world.api({ resource: ELSEWHERE, name: 'Elsewhere' }, 'elsewhere');
  const as = await discovered(world.issuer);
  const guarded = (options) => serve(setting.open, world.issuer, options);
  const bearer = await registered(world, as, { bearer: true });
  const bound = await (await registered(world, as, {})).bind();

  await scene('bearer: our token is taken, with its claims and scopes', async () => {
    const url = await guarded({ dpop: { enabled: false } });
    const token = await tokenOf(bearer, 'read');
    const said = await call(`${url}/read`, bearer, token);
    assert.equal(said.status, 200, said.text);
    const { sub, client_id, scope } = JSON.parse(said.text);
    assert.match(sub, /^usr_/);
    assert.equal(client_id, bearer.client.client_id);
    assert.equal(scope, 'read');
  });

  await scene('bearer: a scope that was not granted is insufficient_scope', async () => {
    const url = await guarded({ dpop: { enabled: false } });
    const said = await call(`${url}/write`, bearer, await tokenOf(bearer, 'read'));
    assert.equal(said.status, 403);
    assert.match(said.challenge, /error="insufficient_scope"/);
  });

  await scene('bearer: a token for another API, an ID token and a changed token are refused', async () => {
    const url = await guarded({ dpop: { enabled: false } });
    const other = await tokenOf(bearer, 'write', ELSEWHERE);
    const { id_token } = await bearer.redeem(await bearer.approved({ scope: 'openid' }));
    const own = await tokenOf(bearer, 'read');
    for (const token of [other, id_token, `${own.slice(0, -8)}AAAAAAAA`]) {
      const said = await call(`${url}/read`, bearer, token);
      assert.equal(said.status, 401);
      assert.match(said.challenge, /error="invalid_token"/);
    }
  });

  await scene('dpop: our bound token is taken with a proof of its key', async () => {
    const url = await guarded({ dpop: { enabled: true, required: true } });
    const said = await call(`${url}/read`, bound, await tokenOf(bound, 'read'));
    assert.equal(said.status, 200, said.text);
  });

  await scene('dpop: our bound token is refused without a proof, and with a proof of another key', async () => {
    const url = await guarded({ dpop: { enabled: true, required: true } });
    const token = await tokenOf(bound, 'read');
    const bare = await fetch(`${url}/read`, { headers: { authorization: `Bearer ${token}` } });
    assert.ok([400, 401].includes(bare.status), String(bare.status));
    const thief = await (await registered(world, as, {})).bind();
    const said = await call(`${url}/read`, thief, token);
    assert.equal(said.status, 401);
  });
}

/** An API behind the middleware, in its strict mode (RFC 9068). */
async function serve(open, issuer, options) {
  const app = express().set('env', 'test'); // refusals are what is asked for: no word about them
  app.use(auth({ issuerBaseURL: issuer, audience: API, strict: true, ...options }));
  app.get('/read', requiredScopes('read'), (request, response) => response.json(request.auth.payload));
  app.get('/write', requiredScopes('write'), (_request, response) => response.json({}));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((done) => server.close(done) && server.closeAllConnections()) });
  return `http://127.0.0.1:${server.address().port}`;
}

async function registered(world, as, file) {
  const { client_id } = await world.client({ scope: 'openid read write', token_endpoint_auth_method: 'none', ...file });
  return new Application(as, { client_id }, oauth.None());
}

async function tokenOf(application, scope, resource = API) {
  const answer = await application.redeem(await application.approved({ scope, resource }));
  return answer.access_token;
}

/** As oauth4webapi calls it: with a proof where the application has a key. */
async function call(url, { options }, token) {
  try {
    const answer = await oauth.protectedResourceRequest(token, 'GET', new URL(url), undefined, undefined, { ...PLAIN, ...options });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    return { status: error.status, challenge: error.response.headers.get('www-authenticate') };
  }
}
