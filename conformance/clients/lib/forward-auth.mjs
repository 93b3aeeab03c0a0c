// An API that knows nothing of tokens, behind a proxy that asks about each request (docs/forward-auth.md).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { resolve } from 'node:path';

import * as oauth from 'oauth4webapi';

import { freePort } from '../../openid-client/lib/process.mjs';
import { Application, discovered, PLAIN } from './flow.mjs';
import { createWorld } from './world.mjs';

const PAGE = resolve(import.meta.dirname, '../../../docs/forward-auth.md');
const ROUTES = [
  { method: 'GET', path: '/notes', scope: 'read' },
  { method: 'GET', path: '/notes/*', scope: 'read' },
  { method: 'POST', path: '/notes/{id}/share', action: 'share_note' },
  { method: 'GET', path: '/files/**', scope: 'read' },
];

/** `behind` starts the proxy. Answers with what the scenes need: the applications, and what the API heard. */
export async function staged(setting, behind) {
  const world = await createWorld(setting);
  const api = await served(setting.open);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const actions = { share_note: { scope: 'write', says: { en: 'share the note {/id}' } } };
  const proxy = await world.api({ resource: origin, actions, routes: ROUTES });
  await behind(setting.open, { world, port, proxy, api: api.url });
  const as = await discovered(world.issuer);
  const bearer = await registered(world, as, { bearer: true });
  const bound = await (await registered(world, as, {})).bind();
  const tokenOf = async (application, scope) =>
    (await application.redeem(await application.approved({ scope, resource: origin }))).access_token;
  const denied = async (answer, status, reason) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers['writ-reason'], reason);
    assert.deepEqual(api.taken(), [], 'the API heard of it');
  };
  return { world, api, port, origin, proxy, bearer, bound, tokenOf, denied };
}

/** The configuration of the page for this proxy, with what stands in it replaced. */
export async function configured(language, replaced) {
  const blocks = (await readFile(PAGE, 'utf8')).matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'));
  return [...blocks].map(([, text], place) =>
    replaced.reduce((whole, [from, to]) => {
      assert.ok(place > 0 || whole.includes(from), `the page has no ${from}`);
      return whole.replaceAll(from, to);
    }, text),
  );
}

export function credentialsOf({ client_id, client_secret }) {
  return Buffer.from(`${client_id}:${client_secret}`).toString('base64');
}

/** An API that does what it is told by whoever reaches it, and remembers. */
async function served(open) {
  let calls = [];
  const server = createServer(async (call, answer) => {
    const parts = await call.toArray();
    const { method, url, headers } = call;
    calls.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    answer.end('done');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((done) => server.close(done) && server.closeAllConnections()) });
  const taken = () => calls.splice(0);
  return { url: `http://127.0.0.1:${server.address().port}`, taken };
}

async function registered(world, as, file) {
  const { client_id } = await world.client({ scope: 'read write', token_endpoint_auth_method: 'none', ...file });
  return new Application(as, { client_id }, oauth.None());
}

/** With a bound token, and a proof for this call. */
export function calls(application, token, url) {
  const options = { ...PLAIN, ...application.options };
  return oauth.protectedResourceRequest(token, 'GET', new URL(url), undefined, undefined, options);
}

/** The path as it is written here: `fetch` would resolve it. */
export async function raw(port, path, headers = {}, { method = 'GET', body } = {}) {
  const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  call.end(body);
  const [answer] = await once(call, 'response');
  const parts = await answer.toArray();
  return { status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() };
}
