// The MCP TypeScript SDK with a client metadata document: nobody registered it, and it is told the URL of the MCP server alone.

import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { serveDocuments } from '../lib/documents.mjs';
import { Application as Plain, asked, discovered } from '../lib/flow.mjs';
import { Application } from '../lib/mcp-application.mjs';
import { SCOPES, serveNotes } from '../lib/mcp-server.mjs';
import { playStory } from '../lib/mcp-story.mjs';
import { CALLBACK, createWorld } from '../lib/world.mjs';

const LOOPBACK = 'http://127.0.0.1:33418/callback';

const document = (redirect) => ({
  client_name: 'Scenes',
  client_uri: 'https://scenes.example',
  redirect_uris: [redirect],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
});

export default async function play(scene, setting) {
  const documents = await serveDocuments(setting.open);
  const world = await createWorld(setting, { WRIT__FEATURES__GUESTS: 'true', ...documents.settings() });
  const server = await serveNotes(setting.open, world.issuer);
  const scopes = Object.values(SCOPES);
  await world.add('resource', { resource: server.url, name: 'Notes', scopes, guests: { mode: 'bearer', scopes } });

  await scene('the metadata says that documents are welcome', async () => {
    const as = await discovered(world.issuer);
    assert.equal(as.client_id_metadata_document_supported, true);
  });

  for (const [name, redirect] of [
    ['on this device', LOOPBACK],
    ['on the web', `${documents.origin}/callback`],
  ]) {
    const clientMetadataUrl = documents.publish(`/${name.replaceAll(' ', '-')}.json`, document(redirect));
    const make = (more = {}) => new Application(server.url, { metadata: document(redirect), clientMetadataUrl, ...more });
    await playStory((title, act) => scene(`${name}: ${title}`, act), { server, make, clientId: () => clientMetadataUrl });
  }

  await scene('a document is fetched once for many requests', async () => {
    assert.ok(documents.asked < 8, `${documents.asked} times`);
  });

  await misuse(scene, { world, documents, resource: server.url });
}

async function misuse(scene, { world, documents, resource }) {
  const as = await discovered(world.issuer);
  const ask = async (client_id, changes = {}) => {
    const url = await new Plain(as, { client_id }, oauth.None()).request({ scope: SCOPES.read, resource, ...changes });
    return asked(url);
  };
  const page = (said, why) => assert.deepEqual([said.status, said.landed], [400, undefined], why);

  await scene('misuse: a document that is none, or another client\'s, gets a page and no redirect', async () => {
    const usual = document(CALLBACK);
    const wrong = {
      'names another client': documents.publish('/other.json', { ...usual, client_id: `${documents.origin}/someone-else.json` }),
      'is not there': `${documents.origin}/missing.json`,
      'is no JSON': documents.raw('/text.json', { body: 'hello' }),
      'is a page': documents.raw('/page.json', { type: 'text/html', body: '<p>hello' }),
      'is a redirect': documents.raw('/moved.json', { status: 302, location: `${documents.origin}/on-this-device.json` }),
      'is too large': documents.publish('/large.json', { ...usual, client_name: 'x'.repeat(70_000) }),
      'brings a secret': documents.publish('/secret.json', { ...usual, client_secret: 'hush' }),
      'wants a secret': documents.publish('/post.json', { ...usual, token_endpoint_auth_method: 'client_secret_post' }),
      'has no redirects': documents.publish('/bare.json', { ...usual, redirect_uris: [] }),
    };
    for (const [why, client_id] of Object.entries(wrong)) page(await ask(client_id), why);
  });

  await scene('misuse: a client_id that no document can have gets a page and no redirect', async () => {
    for (const client_id of ['http://127.0.0.1:1/client.json', 'https://10.0.0.1/client.json', `${documents.origin}/`, `${documents.origin}/a/../b.json`]) {
      page(await ask(client_id), client_id);
    }
  });

  await scene('misuse: a redirect that the document does not list gets a page and no redirect', async () => {
    const client_id = `${documents.origin}/on-the-web.json`;
    page(await ask(client_id, { redirect_uri: CALLBACK }), 'another site');
    page(await ask(client_id, { redirect_uri: `${documents.origin}/elsewhere` }), 'another path');
  });
}
