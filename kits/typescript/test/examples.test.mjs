/** What README.md shows is what runs: the programs in examples/. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { protect, Verifier } from 'writ-kit/resource';

import { FakeWrit } from './fake_writ.mjs';

const file = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const RESOURCE = 'http://127.0.0.1:8/mcp';

function started(t, name, issuer, errors = 'inherit') {
  const env = { ...process.env, ISSUER: issuer, RESOURCE, CLIENT_SECRET: 'secret', PORT: '0' };
  const program = new URL(`../examples/${name}`, import.meta.url).pathname;
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', errors] });
  t.after(() => child.kill());
  return child;
}

/** The program with a server of its own, and the URL at which it listens. */
async function running(t, name) {
  const writ = await FakeWrit.listening(t, RESOURCE);
  const child = started(t, name, writ.issuer);
  for await (const line of createInterface({ input: child.stdout })) {
    return { writ, url: `http://127.0.0.1:${line.replace('listening at ', '')}` };
  }
  throw new Error(`${name} ended`);
}

for (const name of ['notes.mjs', 'notes_server.mjs', 'api.mjs', 'agent.mjs']) {
  test(`README.md shows ${name} as it is`, () => {
    assert.ok(file('README.md').includes(`\`\`\`js\n${file(`examples/${name}`)}\`\`\``));
  });
}

for (const name of ['notes.mjs', 'notes_server.mjs']) test(`${name} deletes after a yes`, (t) => deleted(t, name));

async function deleted(t, name) {
  const { writ, url } = await running(t, name);
  const requestInit = { headers: { authorization: `Bearer ${await writ.token()}` } };
  const client = new Client({ name: 'scene', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }));
  t.after(() => client.close());
  const call = { name: 'delete_note', arguments: { title: 'Shopping list' } };
  const answer = client.callTool(call, undefined, { onprogress: () => undefined });
  writ.decide(await writ.asked(), 'approved');
  assert.equal((await answer).content[0].text, 'deleted Shopping list');
  const document = await fetch(`${url}/.well-known/oauth-protected-resource/mcp`);
  assert.deepEqual((await document.json()).authorization_servers, [writ.issuer]);
}

test('the API answers after a yes, and after a no', async (t) => {
  const { writ, url } = await running(t, 'api.mjs');
  const remove = async () =>
    fetch(`${url}/notes/Shopping%20list`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${await writ.token()}` },
    });
  for (const [decided, status, body] of [
    ['approved', 200, { deleted: true, for: 'usr_alice' }],
    [
      'denied',
      403,
      {
        error: 'access_denied',
        error_description: 'the person said no; do not repeat this call',
      },
    ],
  ]) {
    const answer = remove();
    writ.decide(await writ.asked(), decided);
    const { status: found, json } = await answer.then(async (one) => ({ status: one.status, json: await one.json() }));
    assert.deepEqual([found, json], [status, body]);
  }
  assert.equal((await fetch(`${url}/notes/x`, { method: 'DELETE' })).status, 401);
});

for (const name of ['notes.mjs', 'notes_server.mjs', 'api.mjs']) {
  for (const [what, said] of [
    ['refuses it', /the issuer refuses the credentials of this server/],
    ['is dead', /Unavailable: /],
  ]) {
    test(`${name} does not start where its issuer ${what}`, async (t) => {
      const writ = await FakeWrit.listening(t, RESOURCE);
      writ.refuses = true;
      const child = started(t, name, what === 'is dead' ? 'http://127.0.0.1:1' : writ.issuer, 'pipe');
      const [out, errors] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
      assert.equal(Buffer.concat(out).toString(), '');
      assert.match(Buffer.concat(errors).toString(), said);
    });
  }
}

// Fetch section 3.3; as the Rust layer and the gate answer.
for (const name of ['notes.mjs', 'notes_server.mjs', 'api.mjs']) {
  test(`a client in a browser may ask ${name}, and read what it answers`, async (t) => {
    const { url } = await running(t, name);
    const origin = { origin: 'https://page.example' };
    const asks = { ...origin, 'access-control-request-method': 'POST' };
    const preflight = await fetch(`${url}/mcp`, { method: 'OPTIONS', headers: asks });
    assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*']);
    assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/);
    assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
    for (const method of ['POST', 'OPTIONS']) {
      const refused = await fetch(`${url}/mcp`, { method, headers: origin });
      assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, '*'], method);
      assert.match(refused.headers.get('access-control-expose-headers'), /www-authenticate/);
    }
  });
}

test('what the application says of other origins stands', async () => {
  const verifier = new Verifier({ issuer: 'http://127.0.0.1:9', resource: RESOURCE, bearer: 'allow' });
  const headersDistinct = { origin: ['https://page.example'], 'access-control-request-method': ['POST'] };
  for (const [options, own, found] of [
    [{}, {}, '*'],
    [{}, { 'access-control-allow-origin': 'https://a' }, 'https://a'],
    [{ crossOrigin: 'closed' }, {}, undefined],
  ]) {
    const fields = { ...own };
    const answered = new Promise((end) => {
      const response = {
        hasHeader: (name) => name in fields,
        setHeader: (name, value) => Object.assign(fields, { [name]: value }),
        end,
      };
      protect(verifier, options)({ method: 'OPTIONS', url: '/', headersDistinct }, response, () =>
        assert.fail('it went on'),
      );
    });
    await answered;
    assert.equal(fields['access-control-allow-origin'], found);
  }
});
