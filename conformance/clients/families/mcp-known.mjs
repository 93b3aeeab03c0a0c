// The MCP TypeScript SDK with a client that an operator registered: public, and with a secret.

import { Application } from '../lib/mcp-application.mjs';
import { SCOPES, serveNotes } from '../lib/mcp-server.mjs';
import { playStory } from '../lib/mcp-story.mjs';
import { createWorld } from '../lib/world.mjs';

const LOOPBACK = 'http://127.0.0.1:33418/callback';

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  const server = await serveNotes(setting, world.issuer);
  const scopes = Object.values(SCOPES);
  await world.add('resource', { resource: server.url, name: 'Notes', scopes });

  for (const method of ['none', 'client_secret_post', 'client_secret_basic']) {
    let known;
    const within = (title, act) => scene(`${method}: ${title}`, act);
    await within('an operator registers it', async () => {
      const file = { token_endpoint_auth_method: method, redirect_uris: [LOOPBACK], bearer: true, scope: scopes.join(' ') };
      known = await world.client(file);
    });
    if (known === undefined) continue;
    const metadata = { client_name: 'Scenes', redirect_uris: [LOOPBACK], token_endpoint_auth_method: method };
    const make = (more = {}) => new Application(server.url, { metadata, known, ...more });
    await playStory(within, { server, make, clientId: () => known.client_id, guest: false });
  }
}
