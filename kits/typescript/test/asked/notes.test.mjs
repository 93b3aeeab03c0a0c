/** A stock MCP client, a server with the kit, and the built binary: what alice says at her phone is what happens. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { Gate, guard } from 'writ-kit/mcp';
import { Decisions, Verifier } from 'writ-kit/resource';
import { z } from 'zod';

import { ALICE, api, emptyWorld } from '../real/world.mjs';

const SETTINGS = { WRIT__FEATURES__GUESTS: 'true', WRIT__REGISTRATION__MODE: 'open' };
const REDIRECT = 'http://127.0.0.1:9/callback';

async function world(t) {
  const here = await emptyWorld(t, SETTINGS);
  const { issuer, add } = here;
  const app = express();
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const resource = `http://127.0.0.1:${listener.address().port}/mcp`;
  const { client_secret: clientSecret } = await add('client', api('notes-api'));
  const runs = [];
  const said = { read_note: 'Shows a note', delete_note: 'Deletes a note' };
  const decisions = new Decisions({ issuer, resource, clientId: 'notes-api', clientSecret });
  const gate = new Gate({ decisions, patience: 1, progressEvery: 1 });
  const open = resource.replace('/mcp', '/open');
  app.post('/open', express.json(), (request, response) => answered(request, response, { gate, runs, said }));
  const told = ['--resource', resource, '--name', 'Notes', '--client-id', 'notes-api', '--scope', 'notes:write'];
  const record = JSON.parse(await here.writ(['mcp', 'add', open, ...told, '--confirm', 'read_note']));
  record.actions.delete_note.says = { en: 'delete the note {/title}', de: 'die Notiz {/title} löschen' };
  await add('resource', { ...record, guests: { mode: 'bearer', scopes: ['notes:write'] } });
  await here.serve();
  const live = { clientId: 'notes-api', clientSecret };
  app.post(
    '/mcp',
    express.json(),
    guard(new Verifier({ issuer, resource, bearer: 'allow', live })),
    (request, response) => answered(request, response, { gate, runs, said }),
  );
  const token = await guestToken(here, resource);
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const connect = async () => {
    const client = new Client({ name: 'scene', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(resource), { requestInit }));
    t.after(() => client.close());
    return client;
  };
  const client = await connect();
  const use = (name, title, options, by = client) => by.callTool({ name, arguments: { title } }, undefined, options);
  const call = (title, options, by) => use('delete_note', title, options, by);
  return { ...here, runs, said, use, call, connect };
}

/** At `/open` without the kit's guard, as `writ mcp add` reads the tools before there is a resource. */
async function answered(request, response, { gate, runs, said }) {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const inputSchema = { title: z.string().max(80).describe('Of the note') };
  for (const [name, description] of Object.entries(said)) {
    const act = ({ title }) => {
      runs.push(title);
      return { content: [{ type: 'text', text: `${name} ${title}` }] };
    };
    server.registerTool(name, { description, inputSchema }, gate.gated(server, name, act));
  }
  response.on('close', () => transport.close().then(() => server.close()));
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

/** As an MCP client gets one: it registers itself, and alice agrees. */
async function guestToken({ issuer, browser }, resource) {
  const post = async (path, headers, body) => {
    const found = await fetch(`${issuer}${path}`, { method: 'POST', headers, body });
    assert.ok(found.ok, `${path}: ${found.status}`);
    return found.json();
  };
  const metadata = { client_name: 'Claude', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' };
  const json = { 'content-type': 'application/json' };
  const { client_id: id } = await post('/register', json, JSON.stringify(metadata));
  const verifier = randomBytes(32).toString('base64url');
  const asked = {
    client_id: id,
    response_type: 'code',
    redirect_uri: REDIRECT,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource,
    scope: 'notes:write',
    state: 'state',
  };
  const callback = await browser.approve(`${issuer}/authorize?${new URLSearchParams(asked)}`, ALICE);
  const code = callback.searchParams.get('code');
  const form = {
    grant_type: 'authorization_code',
    client_id: id,
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  };
  const { access_token: token } = await post('/token', {}, new URLSearchParams(form));
  return token;
}

/** As soon as the question is there; answers its screen. */
async function screen(phone) {
  while ((await phone.waiting()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  return phone.screen();
}

test('one yes is one call, a no is none, and a call that died asks nobody', async (t) => {
  const { runs, call, connect, phone } = await world(t);

  const first = await call('Shopping list');
  assert.equal(first._meta['writ/code'], 'still_waiting');
  const asked = await screen(phone);
  for (const words of ['Claude', 'Notes', 'Delete the note', 'Shopping list'])
    assert.match(asked.html, new RegExp(words));
  await phone.approve({ screen: asked });
  assert.equal((await call('Groceries'))._meta['writ/code'], 'still_waiting');
  assert.equal((await call('Shopping list')).content[0].text, 'delete_note Shopping list');
  assert.deepEqual(runs, ['Shopping list']);
  await phone.deny();

  const second = call('Shopping list', { onprogress: () => undefined });
  await phone.approve({ screen: await screen(phone) });
  assert.equal((await second).content[0].text, 'delete_note Shopping list');

  // A server without sessions hears the end of the connection alone.
  const other = await connect();
  const third = call('Letters', { onprogress: () => undefined }, other).catch(() => 'ended');
  await screen(phone);
  await other.close();
  assert.equal(await third, 'ended');
  while ((await phone.waiting()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(runs, ['Shopping list', 'Shopping list']);

  const fourth = call('Diary', { onprogress: () => undefined });
  await screen(phone);
  await phone.deny();
  assert.equal((await fourth)._meta['writ/code'], 'denied');
  assert.equal((await call('Diary', { onprogress: () => undefined }))._meta['writ/code'], 'denied');
  assert.deepEqual(runs, ['Shopping list', 'Shopping list']);
});

test('a tool that `writ mcp add` confirmed asks nobody, until its definition changes', async (t) => {
  const { runs, said, use, phone } = await world(t);
  assert.equal((await use('read_note', 'Diary')).content[0].text, 'read_note Diary');
  assert.deepEqual([runs, await phone.waiting()], [['Diary'], []]);
  said.read_note = 'Shows a note, and mails it';
  assert.equal((await use('read_note', 'Diary'))._meta['writ/code'], 'still_waiting');
  assert.match((await screen(phone)).html, /read_note/);
  assert.deepEqual(runs, ['Diary']);
});
