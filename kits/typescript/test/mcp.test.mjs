/** Stock clients of the MCP TypeScript SDK against a server with the kit: one yes, one run; no yes, none. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ElicitRequestSchema, ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import express from 'express';
import { Gate, guard } from 'writ-kit/mcp';
import { Decisions, Verifier } from 'writ-kit/resource';
import { z } from 'zod';

import { ATTEMPTS, noneWithoutAYes, NOTE as SHOPPING } from '../../../conformance/clients/lib/without-a-yes.mjs';
import { FakeWrit, ISSUER } from './fake_writ.mjs';
import { hash } from './vectors.mjs';

const RESOURCE = 'http://127.0.0.1:8/mcp';

/** Servers of one resource, each with sessions of its own; `runs` counts what was really done. */
async function world(t, settings = {}, said = {}) {
  const writ = new FakeWrit(RESOURCE);
  const config = { issuer: ISSUER, resource: RESOURCE, fetch: writ.fetch };
  const decisions = new Decisions({ ...config, clientId: 'notes', clientSecret: 'secret' });
  const runs = [];
  const waited = [];
  const gate = new Gate({ decisions, patience: 0, progressEvery: 1, waiting: (by) => waited.push(by), ...settings });
  const verifier = new Verifier({ ...config, bearer: 'allow' });
  const serve = () => start(t, verifier, (server) => tools(server, gate, runs, said));
  const url = await serve();
  const connect = async (capabilities = {}, to = url, client = 'cimd_notes', name = 'scene') => {
    const authorization = `Bearer ${await writ.token(client)}`;
    const transport = new StreamableHTTPClientTransport(new URL(to), { requestInit: { headers: { authorization } } });
    const found = new Client({ name, version: '1.0.0' }, { capabilities });
    await found.connect(transport);
    t.after(() => found.close());
    return found;
  };
  return { writ, url, runs, waited, connect, serve };
}

function tools(server, gate, runs, said) {
  const title = { title: z.string() };
  for (const name of ['delete_note', 'empty_note']) {
    const act = (args) => {
      runs.push([name, args]);
      return { content: [{ type: 'text', text: `${name} ${args.title}` }] };
    };
    server.registerTool(name, { ...said, inputSchema: title }, gate.gated(server, name, act));
  }
  server.registerTool(
    'empty_bin',
    {},
    gate.gated(server, 'empty_bin', () => ({ content: [], isError: true })),
  );
}

async function start(t, verifier, register) {
  const sessions = new Map();
  const app = express();
  app.all('/mcp', express.json(), guard(verifier), async (request, response) => {
    let transport = sessions.get(request.headers['mcp-session-id']);
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      const server = new McpServer({ name: 'notes', version: '1.0.0' });
      register(server);
      await server.connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
  });
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  return `http://127.0.0.1:${listener.address().port}/mcp`;
}

const call = (client, name = 'delete_note', args = SHOPPING, options = {}) =>
  client.callTool({ name, arguments: args }, undefined, options);

test('a client that is told to call again passes after one yes, once', async (t) => {
  const { writ, runs, waited, connect } = await world(t);
  const client = await connect();
  const first = await call(client);
  assert.equal(first.isError, true);
  assert.equal(first._meta['writ/code'], 'still_waiting');
  assert.match(first.content[0].text, /Waiting for a person's yes .* Call this tool again/);
  assert.equal(runs.length, 0);
  writ.decide(await writ.asked(), 'approved');
  const second = await call(client);
  assert.equal(second.content[0].text, 'delete_note Shopping list');
  assert.equal((await call(client)).isError, true);
  assert.deepEqual(runs, [['delete_note', SHOPPING]]);
  assert.deepEqual(writ.outcomes, ['completed']);
  assert.deepEqual([waited[0], writ.waitedBy], ['call_again', ['call_again']]);
});

/** Where the person decides, as the gate says it too. */
const PAGE = /^waiting for a person's yes to delete_note: decide here: http\S+\/approve\/\S+$/;

test('a client with a progress token hears of progress until the yes', async (t) => {
  const { writ, runs, waited, connect } = await world(t);
  const client = await connect();
  const heard = [];
  const answer = call(client, 'delete_note', SHOPPING, { onprogress: (one) => heard.push(one) });
  const task = await writ.asked();
  while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(task.callAgain, false);
  writ.decide(task, 'approved');
  assert.equal((await answer).content[0].text, 'delete_note Shopping list');
  assert.ok(heard[1].progress > heard[0].progress);
  // The tool's own progress begins at 0.
  assert.ok(heard[1].progress < 0);
  assert.match(heard[0].message, PAGE);
  assert.deepEqual([runs.length, waited, writ.waitedBy], [1, ['progress'], ['progress']]);
});

test('a client with URL elicitation gets the approval page', async (t) => {
  const { writ, runs, waited, connect } = await world(t);
  const client = await connect({ elicitation: { url: {} } });
  const pages = [];
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    pages.push(params);
    writ.decide(await writ.asked(), 'approved');
    return { action: 'accept' };
  });
  assert.equal((await call(client)).content[0].text, 'delete_note Shopping list');
  assert.deepEqual([pages[0].mode, pages[0].url], ['url', `${ISSUER}/approve/${writ.tasks[0].id}`]);
  assert.deepEqual([runs.length, waited, writ.waitedBy], [1, ['url_elicitation'], ['url_elicitation']]);
});

test('who declines the page wants no question', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect({ elicitation: { url: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
  assert.equal((await call(client))._meta['writ/code'], 'cancelled');
  assert.deepEqual([runs.length, writ.tasks[0].status], [0, 'cancelled']);
});

test('the page in the error -32042, and the call again', async (t) => {
  const { writ, runs, connect } = await world(t, { urlElicitation: 'required' });
  const client = await connect({ elicitation: { url: {} } });
  const error = await call(client).catch((thrown) => thrown);
  assert.equal(error.code, ErrorCode.UrlElicitationRequired);
  assert.equal(error.elicitations[0].url, `${ISSUER}/approve/${writ.tasks[0].id}`);
  writ.decide(await writ.asked(), 'approved');
  assert.equal((await call(client)).content[0].text, 'delete_note Shopping list');
  assert.equal(runs.length, 1);
});

test('a no is told as a no', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect();
  const answer = call(client, 'delete_note', SHOPPING, { onprogress: () => undefined });
  writ.decide(await writ.asked(), 'denied');
  const { content, _meta: meta } = await answer;
  assert.equal(meta['writ/code'], 'denied');
  assert.match(content[0].text, /^The person said no; do not repeat this call\.$/);
  assert.equal(runs.length, 0);
});

test('a tool that fails is reported as failed, one without arguments too', async (t) => {
  const { writ, connect } = await world(t);
  const client = await connect();
  const answer = call(client, 'empty_bin', {}, { onprogress: () => undefined });
  writ.decide(await writ.asked(), 'approved');
  await answer;
  assert.deepEqual(writ.outcomes, ['failed']);
});

/** A message as no SDK sends it: with the id of an earlier one. */
const sameId = (scene) => rpc(scene, 'tools/call', { name: 'delete_note', arguments: SHOPPING });

async function rpc({ writ, url, client }, method, params) {
  const headers = {
    authorization: `Bearer ${await writ.token()}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': client.transport.sessionId,
    'mcp-protocol-version': client.transport.protocolVersion,
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 4711, method, params });
  const text = await (await fetch(url, { method: 'POST', headers, body })).text();
  const [, data] = /^data: (\{.*)$/m.exec(text);
  return JSON.parse(data).result;
}

for (const [name, end, timeout] of [
  ['times out', () => undefined, 500],
  ['is cancelled', (controller) => controller.abort()],
  ['loses its connection', (_, client) => client.close()],
]) {
  test(`a call that ${name} takes its question back, and a later yes does nothing`, async (t) => {
    const { writ, runs, connect } = await world(t);
    const client = await connect();
    const controller = new AbortController();
    const options = { onprogress: () => undefined, signal: controller.signal };
    const begun = (limit) => {
      const timed = limit === undefined ? options : { ...options, timeout: limit };
      const answer = call(client, 'delete_note', SHOPPING, timed).catch(() => 'ended');
      return Promise.race([writ.asked().then((task) => ({ task, answer })), answer]);
    };
    let going = await begun(timeout);
    // On a slow machine it may end before anybody was asked.
    for (let limit = timeout; going === 'ended'; limit *= 2) going = await begun(limit);
    end(controller, client);
    assert.equal(await going.answer, 'ended');
    while (going.task.status === 'pending') await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(going.task.status, 'cancelled');
    assert.throws(() => writ.decide(going.task, 'approved'));
    const again = await call(await connect());
    assert.equal(again._meta['writ/code'], 'still_waiting');
    assert.equal(runs.length, 0);
  });
}

test('a tool that an operator confirmed passes without a question, until it is defined otherwise', async (t) => {
  const said = { description: 'Deletes a note' };
  const { writ, url, runs, connect } = await world(t, {}, said);
  const client = await connect();
  const { tools: listed } = await rpc({ writ, url, client }, 'tools/list', {});
  writ.confirmed.delete_note = hash(flat(listed.find(({ name }) => name === 'delete_note')));
  assert.equal((await call(client)).content[0].text, 'delete_note Shopping list');
  assert.deepEqual([runs.length, writ.tasks.length], [1, 0]);
  said.description = 'Deletes a note, and mails it';
  assert.equal((await call(await connect()))._meta['writ/code'], 'still_waiting');
  assert.equal((await call(client, 'empty_note'))._meta['writ/code'], 'still_waiting');
  assert.equal(runs.length, 1);
});

/** Canonical JSON of a definition whose members are ASCII and whose numbers are small. */
function flat(value) {
  const sorted = (one) => Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(value, (_, one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one) ? sorted(one) : one,
  );
}

for (const name of Object.keys(ATTEMPTS)) {
  test(`without a yes none passes: ${name}`, async (t) => {
    const { writ, url, runs, connect, serve } = await world(t);
    const client = await connect();
    const approve = async () => {
      await call(client);
      const ours = ['delete_note', '"Shopping list"', 'dlg_cimd_notes'];
      const asked = writ.tasks.find(({ object }) => ours.every((part) => object.includes(part)));
      writ.decide(asked, 'approved');
    };
    const scene = {
      client,
      runs,
      call,
      connect: ({ name, another }) => connect({}, undefined, another ? 'cimd_other' : undefined, name),
      elsewhere: async () => connect({}, await serve()),
      sameId: () => sameId({ writ, url, client }),
      approve,
    };
    await noneWithoutAYes(scene, name, 20);
    assert.equal(writ.outcomes.length, 1);
  });
}

test('fifty calls at once, one yes: one runs', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect();
  await call(client);
  writ.decide(await writ.asked(), 'approved');
  const answers = await Promise.all(Array.from({ length: 50 }, () => call(client)));
  assert.equal(runs.length, 1);
  assert.equal(answers.filter(({ isError }) => isError !== true).length, 1);
});

test('an approval of yesterday does nothing', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect();
  await call(client);
  const task = await writ.asked();
  writ.decide(task, 'approved');
  task.decidedAt -= 24 * 3600;
  assert.equal((await call(client)).isError, true);
  assert.equal(runs.length, 0);
});

test('a request without a token, or with that of another resource, reaches no tool', async (t) => {
  const { connect, writ } = await world(t);
  writ.resource = 'http://127.0.0.1:8/other';
  await assert.rejects(connect(), /invalid_token|401|another resource/);
});
