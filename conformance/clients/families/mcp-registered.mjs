// The MCP TypeScript SDK without a document: it registers itself (RFC 7591), as a public client and with a secret. Both
// servers are https.

import assert from 'node:assert/strict';

import { Application } from '../lib/mcp-application.mjs';
import { SCOPES, serveNotes } from '../lib/mcp-server.mjs';
import { playStory } from '../lib/mcp-story.mjs';
import { createWorldBehindTls, OPEN } from '../lib/world.mjs';

const LOOPBACK = 'http://localhost:6274/oauth/callback';

const metadata = (token_endpoint_auth_method) => ({
  client_name: 'Scenes',
  redirect_uris: [LOOPBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method,
});

export default async function play(scene, setting) {
  const world = await createWorldBehindTls(setting, OPEN);
  const server = await serveNotes(setting, world.issuer);
  const scopes = Object.values(SCOPES);
  await world.add('resource', { resource: server.url, name: 'Notes', scopes, guests: { mode: 'bearer', scopes } });

  for (const method of ['none', 'client_secret_post', 'client_secret_basic']) {
    const make = (more = {}) => new Application(server.url, { metadata: metadata(method), ...more });
    const clientId = ({ keeper }) => keeper.clientInformation().client_id;
    await playStory((title, act) => scene(`${method}: ${title}`, act), { server, make, clientId });
  }

  await scene('a client that has a document, where documents are not served, registers instead', async () => {
    const application = new Application(server.url, { metadata: metadata('none') });
    await application.connect();
    assert.match(application.keeper.clientInformation().client_id, /^[^/]+$/);
  });
}
