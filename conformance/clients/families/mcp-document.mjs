// The MCP TypeScript SDK with a client metadata document: nobody registered it, and it is told the URL of the MCP server alone.
// Every host is https: the document's, the MCP server's and ours.

import assert from 'node:assert/strict';

import { serveDocuments } from '../lib/documents.mjs';
import { discovered } from '../lib/flow.mjs';
import { Application } from '../lib/mcp-application.mjs';
import { SCOPES, serveNotes } from '../lib/mcp-server.mjs';
import { playStory } from '../lib/mcp-story.mjs';
import { createWorldBehindTls, GUESTS } from '../lib/world.mjs';

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
  const documents = await serveDocuments(setting);
  const world = await createWorldBehindTls(setting, { ...GUESTS, ...documents.settings() });
  const server = await serveNotes(setting, world.issuer);
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
}
