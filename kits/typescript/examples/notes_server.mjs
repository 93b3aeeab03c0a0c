import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { Gate, guard } from 'writ-kit/mcp-server';
import { Decisions, serveMetadata, Verifier } from 'writ-kit/resource';
import { z } from 'zod';

const { ISSUER: issuer, RESOURCE: resource, CLIENT_SECRET: clientSecret, PORT = '8000' } = process.env;

const verifier = new Verifier({ issuer, resource, bearer: 'allow' });
const decisions = new Decisions({ issuer, resource, clientId: 'notes', clientSecret });
const gate = new Gate({ decisions });
const notes = new Map([['Shopping list', 'milk']]);

function serverOfNotes() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const inputSchema = z.object({ title: z.string() });
  // Runs after a person's yes, once, with the arguments that the person saw.
  const deleteNote = gate.gated(server, 'delete_note', ({ title }) => {
    const text = notes.delete(title) ? `deleted ${title}` : `there is no ${title}`;
    return { content: [{ type: 'text', text }] };
  });
  server.registerTool('delete_note', { description: 'Deletes a note', inputSchema }, deleteNote);
  return server;
}

const handle = toNodeHandler(createMcpHandler(serverOfNotes));
const app = express();
app.use(serveMetadata(verifier, { scopes: ['notes:write'] }));
app.all(new URL(resource).pathname, express.json(), guard(verifier), (request, response) =>
  handle(request, response, request.body),
);
await decisions.checkCredentials(); // a wrong secret is told now
const listener = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening at ${listener.address().port}`));
