/** Clients of both revisions against a server of `@modelcontextprotocol/server` with the kit: one yes, one run; no yes, none. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { Gate, guard } from 'writ-kit/mcp-server';
import { Decisions, Verifier } from 'writ-kit/resource';
import { z } from 'zod';

import { ATTEMPTS, NOTE, noneWithoutAYes, passes } from '../../../conformance/clients/lib/without-a-yes.mjs';
import { hashOf } from '../dist/mcp/definition.js';
import { StateSealer } from '../dist/mcp/state.js';
import { FakeWrit, ISSUER } from './fake_writ.mjs';

const RESOURCE = 'http://127.0.0.1:8/mcp';
const MODERN = '2026-07-28';

async function world(t, settings = {}) {
  const writ = new FakeWrit(RESOURCE);
  const config = { issuer: ISSUER, resource: RESOURCE, fetch: writ.fetch };
  const decisions = new Decisions({ ...config, clientId: 'notes', clientSecret: 'secret' });
  const verifier = new Verifier({ ...config, bearer: 'allow' });
  const runs = [];
  const said = { description: 'Deletes a note' };
  const gate = new Gate({ decisions, patience: 0, progressEvery: 1, ...settings });
  const serve = () => start(t, verifier, () => notes(gate, said, runs));
  const url = await serve();
  const connect = async (how = {}, to = url) => {
    const { capabilities = {}, client = 'cimd_notes', name = 'scene', revision = MODERN } = how;
    const authorization = `Bearer ${await writ.token(client)}`;
    const transport = new StreamableHTTPClientTransport(new URL(to), { requestInit: { headers: { authorization } } });
    const versionNegotiation = { mode: revision === MODERN ? { pin: MODERN } : 'legacy' };
    const found = new Client({ name, version: '1.0.0' }, { capabilities, versionNegotiation });
    await found.connect(transport);
    t.after(() => found.close());
    return found;
  };
  return { writ, runs, said, url, connect, serve };
}

function notes(gate, said, runs) {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const inputSchema = z.object({ title: z.string() });
  for (const name of ['delete_note', 'empty_note']) {
    const act = ({ title }) => {
      runs.push([name, title]);
      return { content: [{ type: 'text', text: `${name} ${title}` }] };
    };
    server.registerTool(name, { ...said, inputSchema }, gate.gated(server, name, act));
  }
  return server;
}

async function start(t, verifier, factory) {
  const app = express();
  app.all('/mcp', express.json(), guard(verifier), (request, response) =>
    toNodeHandler(createMcpHandler(factory))(request, response, request.body),
  );
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  return `http://127.0.0.1:${listener.address().port}/mcp`;
}

const call = (client, name = 'delete_note', args = NOTE, options = {}) =>
  client.callTool({ name, arguments: args }, options);

test('a client of 2026-07-28 carries the state, and comes again by itself until the yes', async (t) => {
  const { writ, runs, connect } = await world(t, { holdFor: 1 });
  const answer = call(await connect());
  const task = await writ.asked();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(runs.length, 0);
  writ.decide(task, 'approved');
  assert.equal((await answer).content[0].text, 'delete_note Shopping list');
  assert.deepEqual([runs.length, writ.waitedBy], [1, ['input_required']]);
});

test('one that opens pages gets the page', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect({ capabilities: { elicitation: { url: {} } } });
  const pages = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    pages.push(params);
    writ.decide(await writ.asked(), 'approved');
    return { action: 'accept' };
  });
  assert.equal((await call(client)).content[0].text, 'delete_note Shopping list');
  assert.deepEqual([pages[0].mode, pages[0].url], ['url', `${ISSUER}/approve/${writ.tasks[0].id}`]);
  assert.deepEqual([runs.length, writ.waitedBy], [1, ['url_elicitation']]);
});

test('who declines the page wants no question', async (t) => {
  const { writ, runs, connect } = await world(t);
  const client = await connect({ capabilities: { elicitation: { url: {} } } });
  client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }));
  assert.equal((await call(client))._meta['writ/code'], 'cancelled');
  assert.deepEqual([runs.length, writ.tasks[0].status], [0, 'cancelled']);
});

for (const revision of [MODERN, 'legacy']) {
  test(`${revision}: who sent a progress token hears of progress until the yes`, async (t) => {
    const { writ, runs, connect } = await world(t);
    const heard = [];
    const answer = call(await connect({ revision }), 'delete_note', NOTE, { onprogress: (one) => heard.push(one) });
    const task = await writ.asked();
    while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    writ.decide(task, 'approved');
    assert.equal((await answer).content[0].text, 'delete_note Shopping list');
    assert.match(heard[0].message, /^waiting for a person's yes to delete_note: decide here: http\S+\/approve\/\S+$/);
    assert.deepEqual([runs.length, writ.waitedBy], [1, ['progress']]);
  });

  test(`${revision}: a confirmed tool passes without a question, until it is defined otherwise`, async (t) => {
    const { writ, runs, said, url, connect } = await world(t);
    const { tools } = await listed(writ, url);
    writ.confirmed.delete_note = hashOf(tools.find(({ name }) => name === 'delete_note'));
    assert.equal(await passes(call(await connect({ revision }))), true);
    said.description = 'Deletes a note, and mails it';
    const asked = passes(call(await connect({ revision })));
    writ.decide(await writ.asked(), 'denied');
    await asked;
    assert.equal(runs.length, 1);
  });
}

/** In 2025-11-25, as `writ mcp add` reads it. */
async function listed(writ, url) {
  const headers = {
    authorization: `Bearer ${await writ.token()}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
  const text = await (await fetch(url, { method: 'POST', headers, body })).text();
  const [, data] = /^data: (\{.*)$/m.exec(text) ?? [undefined, text];
  return JSON.parse(data).result;
}

for (const name of Object.keys(ATTEMPTS).filter((one) => !one.includes('JSON-RPC'))) {
  test(`without a yes none passes: ${name}`, async (t) => {
    const { writ, runs, connect, serve } = await world(t);
    const revision = 'legacy';
    const client = await connect({ revision });
    const approve = async () => {
      await call(client);
      const ours = ['delete_note', '"Shopping list"', 'dlg_cimd_notes'];
      const found = writ.tasks.find(({ object }) => ours.every((part) => object.includes(part)));
      writ.decide(found, 'approved');
    };
    const elsewhere = async () => connect({ revision }, await serve());
    const how = ({ name: told, another }) => ({ revision, name: told, client: another ? 'cimd_other' : undefined });
    await noneWithoutAYes({ client, runs, call, connect: (one) => connect(how(one)), elsewhere, approve }, name, 20);
  });
}

test('the state of another tool, of another caller, of another key, and a changed one open nothing', () => {
  const sealer = new StateSealer('secret');
  const state = sealer.seal({ id: 'apr_1', rounds: 3 }, 'owner');
  assert.deepEqual(new StateSealer('secret').open(state, 'owner'), { id: 'apr_1', rounds: 3 });
  const last = state.at(-1) === 'A' ? 'B' : 'A';
  const changed = Buffer.from(state, 'base64url');
  changed[20] ^= 1;
  for (const [made, text, owner] of [
    [sealer, state, 'another'],
    [new StateSealer('other'), state, 'owner'],
    [new StateSealer(undefined), state, 'owner'],
    [sealer, changed.toString('base64url'), 'owner'],
    [sealer, state.slice(0, 20), 'owner'],
    [sealer, '', 'owner'],
    [sealer, `writ:apr_1:0${last}`, 'owner'],
  ]) {
    assert.throws(() => made.open(text, owner), { name: 'UsageError' });
  }
});
