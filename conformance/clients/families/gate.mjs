// The MCP TypeScript SDK, unchanged, at a server behind `writ gate`: what matters waits for the person's yes, however the client
// can wait; and nothing passes without one.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { Phone } from '../../openid-client/lib/phone.mjs';
import { ASKED_OFTEN, gated, serveStock } from '../lib/gate.mjs';
import { Application } from '../lib/mcp-application.mjs';
import { ATTEMPTS, NOTE, noneWithoutAYes, passes } from '../lib/without-a-yes.mjs';
import { createWorld, OPEN, PERSON } from '../lib/world.mjs';

const LOOPBACK = 'http://localhost:6274/oauth/callback';
const METADATA = { client_name: 'Scenes', redirect_uris: [LOOPBACK], token_endpoint_auth_method: 'none' };
/** Each attempt so many times; a thousand in `tests/run heavy`. */
const TIMES = Number(process.env.WRIT_TRIES ?? 20);
const PATIENCE = 30_000;
const URL_ELICITATION_REQUIRED = -32042;

export default async function play(scene, setting) {
  const world = await createWorld(setting, { ...OPEN, ...ASKED_OFTEN });
  const stock = await serveStock(setting);
  const here = { world, stock, phone: new Phone(world.issuer, PERSON), ...(await gated(world, stock.url, 'notes')) };
  const [first] = await Promise.all([person(here), person(here)]);
  here.other = (await gated(world, stock.url, 'notes-2')).url;
  const fresh = async () => {
    stock.runs.length = 0;
    return first;
  };
  await waits(scene, here, fresh);
  for (const name of Object.keys(ATTEMPTS)) {
    await scene(`none passes without a yes: ${name}`, async () => {
      await noneWithoutAYes(await attempted(here, await fresh()), name, TIMES);
    });
  }
  await further(scene, here, fresh);
}

/** An application of its own, to which the person agreed. */
async function person({ url }, more = {}) {
  const application = new Application(url, { metadata: METADATA, ...more });
  const client = await application.connect();
  return { application, client };
}

const call = (client, name = 'delete_note', args = NOTE, options = {}) =>
  client.callTool({ name, arguments: args }, undefined, options);

/** Where the person decides: said in the answer to a call that waits. */
function pageOf({ content }) {
  const [, page] = /decide here: (\S+)$/.exec(content[0].text) ?? [];
  assert.ok(page, content[0].text);
  return page;
}

async function approve({ phone }, page) {
  await phone.approve({ screen: await phone.open(page) });
}

async function waits(scene, here, fresh) {
  await scene('a tool that was confirmed answers at once; one that was not, when the person said yes', async () => {
    const { client } = await fresh();
    assert.equal((await call(client, 'search_notes')).content[0].text, 'search_notes Shopping list');
    const waiting = await call(client);
    assert.deepEqual([waiting.isError, waiting._meta['writ/code']], [true, 'still_waiting']);
    await approve(here, pageOf(waiting));
    assert.equal((await call(client)).content[0].text, 'delete_note Shopping list');
    assert.equal((await call(client)).isError, true, 'one yes is one call');
    assert.equal(here.stock.runs.length, 2);
    assert.equal(await waitedBy(here), 'call_again');
  });

  await scene('who sent a progress token hears of progress, and the call goes on with the yes', async () => {
    const { client } = await fresh();
    const heard = [];
    const title = 'Progress';
    const answer = call(client, 'delete_note', { title }, { onprogress: (one) => heard.push(one.progress) });
    await approve(here, await asked(here, title));
    assert.equal((await answer).content[0].text, 'delete_note Progress');
    assert.ok(heard.length > 0);
    // As clients want it whose type is unsigned (MCP, progress: each above the one before).
    assert.ok(heard.every((one, at) => Number.isInteger(one) && one > (heard[at - 1] ?? 0)), String(heard));
    assert.equal(await waitedBy(here), 'progress');
  });

  await scene('who opens pages gets the page in the error -32042, and calls again', async () => {
    const { application } = await fresh();
    const capabilities = { elicitation: { url: {} } };
    const client = await new Application(here.url, { keeper: application.keeper, capabilities }).connect();
    const error = await call(client, 'delete_note', { title: 'Page' }).catch((thrown) => thrown);
    assert.equal(error.code, URL_ELICITATION_REQUIRED, String(error));
    await approve(here, error.elicitations[0].url);
    assert.equal((await call(client, 'delete_note', { title: 'Page' })).content[0].text, 'delete_note Page');
    assert.equal(await waitedBy(here), 'url_elicitation_required');
  });

  await scene('a no is told as a no', async () => {
    const { client } = await person(here);
    here.stock.runs.length = 0;
    const waiting = await call(client, 'delete_note', { title: 'Denied' });
    await here.phone.deny({ screen: await here.phone.open(pageOf(waiting)) });
    const again = await call(client, 'delete_note', { title: 'Denied' });
    assert.deepEqual([again.isError, again._meta], [true, { 'writ/code': 'denied' }]);
    assert.equal(again.content[0].text, 'The person said no; do not repeat this call.');
    assert.equal(here.stock.runs.length, 0);
  });

  await scene('who opens the page and comes back after a no is told the no', async () => {
    const { application } = await person(here);
    here.stock.runs.length = 0;
    const capabilities = { elicitation: { url: {} } };
    const client = await new Application(here.url, { keeper: application.keeper, capabilities }).connect();
    // A second no in a row would pause all that the server asks.
    const agreed = await call(client, 'delete_note', { title: 'Page agreed' }).catch((thrown) => thrown);
    await approve(here, agreed.elicitations[0].url);
    const error = await call(client, 'delete_note', { title: 'Page denied' }).catch((thrown) => thrown);
    await here.phone.deny({ screen: await here.phone.open(error.elicitations[0].url) });
    const again = await call(client, 'delete_note', { title: 'Page denied' });
    assert.deepEqual([again.isError, again._meta], [true, { 'writ/code': 'denied' }]);
    assert.equal(here.stock.runs.length, 0);
  });
}

/** Of the permit that came last. */
async function waitedBy({ world }) {
  const lines = (await world.writ(['audit', 'list', '--event', 'decision.permitted'])).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line)).sort((one, other) => (one.id < other.id ? -1 : 1));
  return events.at(-1).data.waited_by;
}

/** The page of the open question about this note, which is none of those that waited `before`. */
async function asked({ phone }, title, before = []) {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await pause(50)) {
    for (const page of await phone.waiting()) {
      if (!before.includes(page) && (await phone.open(page)).html.includes(title)) return page;
    }
  }
  throw new Error(`nobody was asked about ${title}`);
}

async function attempted(here, { application, client }) {
  const { phone, stock, url, other } = here;
  const known = application.keeper.clientInformation();
  let another;
  let elsewhere;
  return {
    client,
    call,
    runs: stock.runs,
    connect: async ({ name, another: isAnother }) => {
      another ??= isAnother ? (await person(here)).application : undefined;
      const { keeper } = isAnother ? another : application;
      return new Application(url, { keeper, name }).connect();
    },
    elsewhere: async () => (elsewhere ??= (await person({ url: other }, { known })).client),
    sameId: () => sameId(url, { application, client }),
    approve: async () => approve({ phone }, pageOf(await call(client))),
  };
}

/** A message as no SDK sends it: with the id of an earlier one. */
async function sameId(url, { application, client }) {
  // The SDK gets another token when this one is over.
  await client.listTools();
  const { sessionId, protocolVersion } = client.transport;
  const headers = {
    authorization: `Bearer ${application.keeper.tokens().access_token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': sessionId,
    'mcp-protocol-version': protocolVersion,
  };
  const params = { name: 'delete_note', arguments: NOTE };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const text = await (await fetch(url, { method: 'POST', headers, body })).text();
  const [, data] = /^data: (\{.*)$/m.exec(text) ?? [undefined, text];
  return JSON.parse(data).result;
}

async function further(scene, here, fresh) {
  const { phone, stock } = here;

  await scene('none passes without a yes: arguments outside the schema', async () => {
    const { client } = await fresh();
    const wrong = [{}, { titel: 'Diary' }, { title: ['Diary'] }, { title: { of: 'Diary' } }, { title: 'a\u0000b' }];
    for (let at = 0; at < TIMES; at += 1) {
      assert.equal(await passes(call(client, 'delete_note', wrong[at % wrong.length])), false);
    }
    assert.equal(stock.runs.length, 0);
    const answer = await call(client, 'delete_note', { titel: 'Diary' });
    assert.equal(answer._meta['writ/code'], 'arguments_invalid');
    assert.match(answer.content[0].text, /^The arguments do not fit the tool's schema: .*; correct them and call again\.$/);
  });

  await scene('a gate whose secret is wrong ends with a sentence, and is never ready', async () => {
    const { world, url } = here;
    const named = ['--upstream', stock.url, '--issuer', world.issuer, '--resource', url, '--client-id', 'notes'];
    const started = world.writ(['gate', ...named, '--client-secret-file', await world.file('wrong'), '--listen', '127.0.0.1:0']);
    await assert.rejects(started, /the gate cannot ask as `notes`: the issuer refuses these credentials \(401/);
  });

  await scene('a gate that is told another issuer or a resource without a record ends with a sentence', async () => {
    const { world, url } = here;
    const started = (changed) => {
      const told = { upstream: stock.url, issuer: world.issuer, resource: url, ...changed };
      const named = Object.entries(told).flatMap(([name, value]) => [`--${name}`, value]);
      const more = ['--client-id', 'notes', '--client-secret-file', here.secret, '--listen', '127.0.0.1:0'];
      return world.writ(['gate', ...named, ...more]);
    };
    await assert.rejects(started({ issuer: `${world.issuer}/` }), new RegExp(`that server calls itself .${world.issuer}.`));
    await assert.rejects(started({ resource: `${url}/other` }), /no resource's record of the issuer is of/);
  });

  await scene('none passes without a yes: a call that timed out, and was approved later', async () => {
    const { client } = await fresh();
    const options = { onprogress: () => undefined };
    for (let at = 0; at < Math.min(TIMES, 100); at += 1) {
      const args = { title: `Late ${at}` };
      const before = await phone.waiting();
      const gone = new AbortController();
      const answer = passes(call(client, 'delete_note', args, { ...options, signal: gone.signal }));
      const screen = await phone.open(await asked(here, args.title, before));
      // As the SDK does at its time limit: it tells the server, and waits no more.
      gone.abort();
      assert.equal(await answer, false);
      while ((await phone.waiting()).includes(screen.url.pathname)) await pause(50);
      await phone.approve({ screen }).catch(() => undefined);
      assert.equal(await passes(call(client, 'delete_note', args)), false);
    }
    assert.equal(stock.runs.length, 0);
  });

  await scene('none passes without a yes: a tool whose definition changed, though it was confirmed', async () => {
    stock.said.search_notes = 'Searches, and mails what it finds';
    const { application } = await fresh();
    // The gate reads a server's tools anew for each session.
    const scenes = await attempted(here, { application });
    const client = await scenes.connect({});
    for (let at = 0; at < TIMES; at += 1) assert.equal(await passes(call(client, 'search_notes')), false);
    assert.equal(stock.runs.length, 0);
    await approve(here, pageOf(await call(client, 'search_notes')));
    assert.equal(await passes(call(client, 'search_notes')), true);
    assert.equal(await passes(call(client, 'search_notes')), false);
    assert.equal(stock.runs.length, 1);
  });

  if (TIMES <= 20) return;
  await scene('none passes without a yes: an approval of two minutes ago', async () => {
    const { client } = await fresh();
    await approve(here, pageOf(await call(client, 'delete_note', { title: 'Yesterday' })));
    await pause(121_000);
    assert.equal(await passes(call(client, 'delete_note', { title: 'Yesterday' })), false);
    assert.equal(stock.runs.length, 0);
  });
}
