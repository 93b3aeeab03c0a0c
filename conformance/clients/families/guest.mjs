// Clients with a metadata document, by oauth4webapi: public, with keys, with DPoP, pushed; and each document, redirect and scope
// that must not do.

import assert from 'node:assert/strict';

import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose';
import * as oauth from 'oauth4webapi';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { serveDocuments } from '../lib/documents.mjs';
import { Application, asked, discovered, refused } from '../lib/flow.mjs';
import { API, CALLBACK, createWorld, GUESTS, PERSON } from '../lib/world.mjs';

const LOOPBACK = 'http://127.0.0.1:33418/callback';
const DOCUMENT = { client_name: 'Scenes', redirect_uris: [LOOPBACK], token_endpoint_auth_method: 'none' };
const BOUND = 'https://bound.example';
const LISTS = 'https://lists.example';
const CLOSED = 'https://closed.example';

export default async function play(scene, setting) {
  const documents = await serveDocuments(setting);
  const world = await createWorld(setting, { ...GUESTS, ...documents.settings() });
  await world.api({ scopes: ['read', 'write', 'admin'], guests: { mode: 'bearer', scopes: ['read', 'write'] } });
  await world.add('resource', { resource: BOUND, name: 'Bound', scopes: ['look'], guests: { mode: 'bound', scopes: ['look'] } });
  await world.add('resource', { resource: CLOSED, name: 'Closed', scopes: ['see'] });
  const as = await discovered(world.issuer);
  const guest = (client_id, authentication = oauth.None()) => new Application(as, { client_id }, authentication);
  const usual = documents.publish('/usual.json', DOCUMENT);
  const want = { redirect_uri: LOOPBACK, scope: 'read', resource: API };

  await scene('public: code, refresh, and a token that says who acts for whom', async () => {
    const application = guest(usual);
    const answer = await whole(application, await application.request(want));
    assert.equal(decodeJwt(answer.access_token).act.sub, usual);
  });

  for (const [title, publish] of [
    ['in the document', (jwk) => ({ jwks: { keys: [jwk] } })],
    ['at its `jwks_uri`', (jwk) => ({ jwks_uri: documents.keys('/keys.json', [jwk]) })],
  ]) {
    await scene(`keys ${title}: the client signs, and cannot come without`, async () => {
      const { privateKey, publicKey } = await oauth.generateKeyPair('ES256');
      const jwk = await exportJWK(publicKey);
      const key = { ...jwk, alg: 'ES256', use: 'sig', kid: await calculateJwkThumbprint(jwk) };
      const file = { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', ...publish(key) };
      const client_id = documents.publish(`/signed-${title.length}.json`, file);
      const application = guest(client_id, oauth.PrivateKeyJwt({ key: privateKey, kid: key.kid }));
      const answer = await whole(application, await application.request(want));
      await refused(guest(client_id).refresh(answer.refresh_token), 'invalid_client');
    });
  }

  await scene('pushed and bound by DPoP, for a resource that wants both its guests bound', async () => {
    const application = await guest(usual).bind();
    const url = await application.push({ ...want, scope: 'look', resource: BOUND });
    const callback = application.checked(await new Browser().approve(url, PERSON));
    const answer = await application.redeem(callback, { redirectUri: LOOPBACK });
    assert.equal(answer.token_type, 'dpop');
    assert.ok(decodeJwt(answer.access_token).cnf.jkt);
  });

  await scene('scopes: what the resource keeps from guests, and what nobody knows, is left out', async () => {
    const application = guest(usual);
    const url = await application.request({ ...want, scope: 'read admin no-such-scope' });
    const callback = application.checked(await new Browser().approve(url, PERSON));
    const answer = await application.redeem(callback, { redirectUri: LOOPBACK });
    assert.equal(answer.scope, 'read');
  });

  await scene('scopes: without any, the defaults of the resource', async () => {
    const scopes = [{ name: 'list', default: true }, 'change'];
    await world.add('resource', { resource: LISTS, name: 'Lists', scopes, guests: { mode: 'bearer', scopes: ['list', 'change'] } });
    const application = guest(usual);
    const url = await application.request({ ...want, scope: undefined, resource: LISTS });
    const callback = application.checked(await new Browser().approve(url, PERSON));
    const answer = await application.redeem(callback, { redirectUri: LOOPBACK });
    assert.equal(answer.scope, 'list');
  });

  await scene('misuse: a resource that takes no guests, or only bound ones, gives no bearer token', async () => {
    const closed = await asked(await guest(usual).request({ ...want, scope: 'see', resource: CLOSED }), LOOPBACK);
    assert.ok(['invalid_target', 'invalid_scope'].includes(closed.linked.searchParams.get('error')));
    assert.deepEqual([closed.status, closed.landed], [400, undefined], 'nobody signed in: a page with a link');
    const application = guest(usual);
    const url = await application.request({ ...want, scope: 'look', resource: BOUND });
    const outcome = await asked(url, LOOPBACK);
    if (outcome.linked !== undefined) return; // refused before the person is asked
    const callback = application.checked(await new Browser().approve(url, PERSON));
    await assert.rejects(application.redeem(callback, { redirectUri: LOOPBACK }));
  });

  await misuse(scene, documents, async (client_id, changes = {}) => asked(await guest(client_id).request({ ...want, ...changes })));
}

async function misuse(scene, documents, ask) {
  const page = (said, why) => assert.deepEqual([said.status, said.landed], [400, undefined], why);
  const wrong = {
    'names another client': { client_id: `${documents.origin}/someone-else.json` },
    'is too large': { client_uri: `https://scenes.example/${'x'.repeat(70_000)}` },
    'brings a secret': { client_secret: 'hush' },
    'wants a secret': { token_endpoint_auth_method: 'client_secret_post' },
    'has no redirects': { redirect_uris: [] },
    'signs without keys': { token_endpoint_auth_method: 'private_key_jwt' },
  };
  const others = {
    'is not there': { status: 404 },
    'is no JSON': { body: 'hello' },
    'is a list': { body: '[]' },
    'is a redirect': { status: 302, location: `${documents.origin}/usual.json` },
  };
  const place = (why) => `/${why.replaceAll(' ', '-')}.json`;

  for (const [why, change] of Object.entries(wrong)) {
    await scene(`misuse: a document that ${why} gets a page and no redirect`, async () => {
      page(await ask(documents.publish(place(why), { ...DOCUMENT, ...change })), why);
    });
  }

  for (const [why, answer] of Object.entries(others)) {
    await scene(`misuse: a document that ${why} gets a page and no redirect`, async () => {
      page(await ask(documents.raw(place(why), answer)), why);
    });
  }

  const keys = {
    'are not there': () => documents.raw('/keys/missing.json', { status: 404 }),
    'are a redirect': () => documents.raw('/keys/away.json', { status: 302, location: documents.keys('/keys/there.json', []) }),
    'are plain http': () => documents.keys('/keys/plain.json', []).replace('https:', 'http:'),
    'are inside the house': () => 'https://10.0.0.1/keys.json',
  };
  for (const [why, publish] of Object.entries(keys)) {
    await scene(`misuse: a document whose keys ${why} gets a page and no redirect`, async () => {
      const file = { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', jwks_uri: publish() };
      page(await ask(documents.publish(place(`keys ${why}`), file)), why);
    });
  }

  await scene('misuse: a client_id that no document can have gets a page and no redirect', async () => {
    const { origin } = documents;
    for (const client_id of [
      'http://127.0.0.1:1/client.json',
      'https://10.0.0.1/client.json',
      `${origin}/a/../usual.json`,
      `${origin}/usual.json#x`,
      `${origin.replace('//', '//user@')}/usual.json`,
      `${origin}/${'x'.repeat(600)}.json`,
    ]) {
      page(await ask(client_id), client_id);
    }
  });

  await scene('misuse: a redirect that the document does not list, or to another site, gets a page and no redirect', async () => {
    page(await ask(`${documents.origin}/usual.json`, { redirect_uri: CALLBACK }), 'another site');
    page(await ask(`${documents.origin}/usual.json`, { redirect_uri: LOOPBACK.replace('callback', 'other') }), 'another path');
    const away = documents.publish('/away.json', { ...DOCUMENT, redirect_uris: [CALLBACK] });
    page(await ask(away, { redirect_uri: CALLBACK }), 'listed, but on another site');
  });
}

async function whole(application, url) {
  const callback = application.checked(await new Browser().approve(url, PERSON));
  const answer = await application.redeem(callback, { redirectUri: LOOPBACK });
  assert.equal(answer.scope, 'read');
  const again = await application.refresh(answer.refresh_token);
  assert.equal(decodeJwt(again.access_token).mission.id, decodeJwt(answer.access_token).mission.id);
  return { ...answer, ...again }; // whoever authenticates keeps the first refresh token
}
