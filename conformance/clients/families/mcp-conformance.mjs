// The authorization command of `@modelcontextprotocol/conformance`, as it judges any authorization server of MCP. Where it asks a
// person to open a URL, our browser does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { freePort } from '../../openid-client/lib/process.mjs';
import { serveDocuments } from '../lib/documents.mjs';
import { API, createWorld, GUESTS, PERSON } from '../lib/world.mjs';

/** In its summary; the second check of the metadata is that documents are welcome. */
const CHECKS = [/metadata-endpoint: 2 passed, 0 failed$/m, /code-grant: 1 passed, 0 failed$/m];
const DEADLINE = 60_000;

const program = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js');
const older = pathToFileURL(`${import.meta.dirname}/../lib/node-20.mjs`).href;

export default async function play(scene, setting) {
  const documents = await serveDocuments(setting);
  const world = await createWorld(setting, { ...GUESTS, ...documents.settings() });
  // The command asks for no scope.
  await world.api({ scopes: [{ name: 'read', default: true }], guests: { mode: 'bearer', scopes: ['read'] } });

  // It authenticates by a secret only where a server takes no public clients.
  for (const [title, clientFor] of [
    ['a registered client', (redirect) => registered(world, redirect)],
    ['a client with a document', (redirect) => documents.publish('/client.json', document(redirect))],
  ]) {
    await scene(`${title}: metadata and code grant, no failure and no warning`, async () => {
      const port = await freePort();
      const clientId = await clientFor(`http://127.0.0.1:${port}/callback`);
      const { code, text } = await judged(world.issuer, port, clientId);
      assert.equal(code, 0, text);
      for (const check of CHECKS) assert.match(text, check);
    });
  }
}

async function registered(world, redirect) {
  const file = { redirect_uris: [redirect], token_endpoint_auth_method: 'none', scope: 'read', bearer: true };
  return (await world.client(file)).client_id;
}

const document = (redirect) => ({ client_name: 'Judge', redirect_uris: [redirect], token_endpoint_auth_method: 'none' });

async function judged(issuer, port, clientId) {
  const about = ['--url', issuer, '--client-id', clientId, '--resource', API, '--port', String(port)];
  const args = ['--import', older, program, 'authorization', ...about];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE });
  let text = '';
  let opened = false;
  const read = (chunk) => {
    text += chunk;
    const [url] = new RegExp(`${issuer}/authorize\\?\\S+`).exec(text) ?? [];
    if (url === undefined || opened) return;
    opened = true;
    new Browser().approve(url, PERSON).then((landed) => fetch(landed), (error) => {
      text += error.stack;
      child.kill();
    });
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', read);
  const [code] = await once(child, 'close');
  return { code, text };
}
