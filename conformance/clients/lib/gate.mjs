// A stock MCP server behind `writ gate`, set up as docs/mcp.md says it: the server knows nothing of us.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

import { freePort } from '../../openid-client/lib/process.mjs';

/** Nobody is asked too often here: the budgets have scenes of their own. */
const MANY = '1000000';
export const ASKED_OFTEN = Object.fromEntries(
  ['PERSON', 'AGENT', 'PAIR', 'RESOURCE'].map((what) => [`WRIT__PROMPTS__PER_${what}`, MANY]),
);
for (const what of ['PAIR', 'RESOURCE']) ASKED_OFTEN[`WRIT__PROMPTS__OPEN_PER_${what}`] = MANY;

/** A server of the MCP TypeScript SDK, with sessions. `said` holds the descriptions of its tools, `runs` what was done. */
export async function serveStock({ open }) {
  const stock = { said: { delete_note: 'Deletes', empty_note: 'Empties', search_notes: 'Searches' }, runs: [] };
  const sessions = new Map();
  const app = createMcpExpressApp().set('env', 'test');
  app.all('/mcp', async (request, response) => {
    let transport = sessions.get(request.headers['mcp-session-id']);
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      await notes(stock).connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
  });
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  open.push({ close: () => new Promise((done) => listener.close(done) && listener.closeAllConnections()) });
  return Object.assign(stock, { url: `http://127.0.0.1:${listener.address().port}/mcp` });
}

function notes({ said, runs }) {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const inputSchema = { title: z.string().max(80) };
  for (const [name, description] of Object.entries(said)) {
    server.registerTool(name, { description, inputSchema }, ({ title }) => {
      runs.push([name, title]);
      return { content: [{ type: 'text', text: `${name} ${title}` }] };
    });
  }
  return server;
}

/** Steps 2 to 4 of docs/mcp.md; answers the URL that clients are given, and the file with the secret of the gate's client. */
export async function gated(world, upstream, id) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const told = ['--resource', resource, '--name', 'Notes', '--client-id', id, '--confirm', 'search_notes'];
  const record = JSON.parse(await world.writ(['mcp', 'add', upstream, ...told]));
  for (const [name, does] of [['delete_note', 'delete'], ['empty_note', 'empty']]) {
    record.actions[name].says = { en: `${does} the note {/title}` };
  }
  const nothing = { redirect_uris: [], grant_types: [], response_types: [] };
  const { client_secret: secret } = await world.client({ client_id: id, client_name: 'Notes', ...nothing });
  await world.add('resource', record, '--guests', 'bearer');
  const gate = ['--upstream', upstream, '--issuer', world.issuer, '--resource', resource, '--client-id', id];
  const file = await world.file(secret);
  const here = ['--client-secret-file', file, '--listen', `127.0.0.1:${port}`, '--patience', '0'];
  await world.gate([...gate, ...here], resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp'));
  return { url: resource, secret: file };
}
