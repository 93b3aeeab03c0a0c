import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { Gate, guard } from 'writ-kit/mcp';
import { Decisions, serveMetadata, Verifier } from 'writ-kit/resource';
import { z } from 'zod';

const { ISSUER: issuer, RESOURCE: resource, CLIENT_SECRET: clientSecret, PORT = '8000' } = process.env;

const verifier = new Verifier({ issuer, resource, bearer: 'allow' });
const decisions = new Decisions({ issuer, resource, clientId: 'notes', clientSecret });
const gate = new Gate({ decisions });
const notes = new Map([['Shopping list', 'milk']]);

function serverOfNotes() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const inputSchema = { title: z.string() };
  // Runs after a person's yes, once, with the arguments that the person saw.
  const deleteNote = gate.gated(server, 'delete_note', ({ title }) => {
    const text = notes.delete(title) ? `deleted ${title}` : `there is no ${title}`;
    return { content: [{ type: 'text', text }] };
  });
  server.registerTool('delete_note', { description: 'Deletes a note', inputSchema }, deleteNote);
  return server;
}

const app = express();
app.use(serveMetadata(verifier, { scopes: ['notes:write'] }));
app.use(new URL(resource).pathname, guard(verifier));
app.post(new URL(resource).pathname, express.json(), async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  const server = serverOfNotes();
  response.on('close', () => transport.close().then(() => server.close()));
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
await decisions.checkCredentials(); // a wrong secret is told now
const listener = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening at ${listener.address().port}`));
