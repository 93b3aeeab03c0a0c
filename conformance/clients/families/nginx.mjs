// nginx asks about each request by `auth_request`, with the configuration of docs/forward-auth.md, in front of an API that knows nothing of tokens.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join, resolve } from 'node:path';

import * as oauth from 'oauth4webapi';

import { freePort } from '../../openid-client/lib/process.mjs';
import { started } from '../lib/child.mjs';
import { Application, discovered, PLAIN } from '../lib/flow.mjs';
import { createWorld } from '../lib/world.mjs';

const NGINX = '/usr/sbin/nginx';
const PAGE = resolve(import.meta.dirname, '../../../docs/forward-auth.md');
const ROUTES = [
  { method: 'GET', path: '/notes', scope: 'read' },
  { method: 'GET', path: '/notes/*', scope: 'read' },
  { method: 'POST', path: '/notes/{id}/share', action: 'share_note' },
  { method: 'GET', path: '/files/**', scope: 'read' },
];

export default async function play(scene, setting) {
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
  const token = await tokenOf(bearer, 'read');
  const ask = (path, fields = {}, more = {}) => raw(port, path, { authorization: `Bearer ${token}`, ...fields }, more);
  const denied = async (answer, status, reason) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers['writ-reason'], reason);
    assert.deepEqual(api.taken(), [], 'the API heard of it');
  };

  await scene('without a token 401, with the challenge', async () => {
    const answer = await raw(port, '/notes');
    // Of two challenges nginx before 1.23 passes the first.
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm=/);
    await denied(answer, 401, 'token_missing');
    await denied(await ask('/notes', { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` }), 401, 'token_invalid');
  });

  await scene('with a token the API hears who calls', async () => {
    assert.equal((await ask('/notes?of=today')).status, 200);
    const [call] = api.taken();
    assert.equal(call.url, '/notes?of=today');
    assert.match(call.headers['writ-subject'], /^usr_/);
    assert.equal(call.headers['writ-client'], bearer.client.client_id);
    assert.equal(call.headers['writ-scope'], 'read');
  });

  await scene('with a bound token and its proof, once', async () => {
    const own = await tokenOf(bound, 'read');
    const answer = await oauth.protectedResourceRequest(own, 'GET', new URL(`${origin}/notes/7`), undefined, undefined, {
      ...PLAIN,
      ...bound.options,
    });
    assert.equal(answer.status, 200);
    const [{ headers }] = api.taken();
    await denied(await raw(port, '/notes/7', { authorization: `DPoP ${own}`, dpop: headers.dpop }), 401, 'proof_invalid');
    await denied(await raw(port, '/notes/7', { authorization: `Bearer ${own}` }), 401, 'proof_invalid');
  });

  await scene('what the token or the record does not cover is 403', async () => {
    await denied(await ask('/notes/7/share', {}, { method: 'POST' }), 403, 'not_covered');
    await denied(await ask('/notes/7', {}, { method: 'DELETE' }), 403, 'no_route');
    await denied(await ask('/'), 403, 'no_route');
    const writer = await tokenOf(bearer, 'write');
    const fields = { authorization: `Bearer ${writer}`, 'content-length': 5 };
    const answer = await raw(port, '/notes/7/share', fields, { method: 'POST', body: 'hello' });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(api.taken().map(({ method, body }) => [method, body]), [['POST', 'hello']]);
  });

  await scene('what the caller says of itself is not passed on', async () => {
    const forged = ['subject', 'client', 'actor', 'task', 'scope'];
    const fields = Object.fromEntries(forged.flatMap((name) => [
      [`Writ-${name}`, 'forged'],
      [`Writ_${name}`, 'forged'],
    ]));
    assert.equal((await ask('/notes', { ...fields, 'x-http-method-override': 'DELETE' })).status, 200);
    const [{ headers }] = api.taken();
    const said = Object.entries(headers).filter(([name, value]) => value === 'forged' || name === 'x-http-method-override');
    assert.deepEqual(said, []);
    assert.match(headers['writ-subject'], /^usr_/);
  });

  await scene('nor does it say to the check what was asked', async () => {
    const fields = {
      'Writ-Original-URI': '/notes',
      'Writ-Original-Method': 'GET',
      'Writ-Original-Origin': 'https://elsewhere.example',
      host: 'elsewhere.example',
    };
    await denied(await ask('/admin', fields), 403, 'no_route');
    await denied(await raw(port, '/notes', { 'Writ-Original-Authorization': `Bearer ${token}` }), 401, 'token_missing');
  });

  await scene('a path that nginx and the API may read differently is refused', async () => {
    const tricks = ['/files/../admin', '/files/%2e%2e/admin', '/files/..%2fadmin', '/%66iles/a', '//files/a', '/files//a', '/files/a;b', '/files/a%00', '/files/.', '/files/a\\b'];
    for (const path of tricks) {
      const answer = await ask(path);
      // Some of them nginx itself takes for no request.
      if (answer.status === 400) assert.deepEqual(api.taken(), [], path);
      else await denied(answer, 403, 'request_refused');
    }
  });

  await scene('what was ended is denied at the next request', async () => {
    assert.equal((await ask('/notes')).status, 200);
    assert.equal(api.taken().length, 1);
    await bearer.revoke(token);
    await denied(await ask('/notes'), 401, 'token_invalid');
  });

  await scene('a proxy with a wrong secret lets nobody through, and sends nobody to log in', async () => {
    const other = await freePort();
    await behind(setting.open, { world, port: other, proxy: { ...proxy, client_secret: 'wrong' }, api: api.url });
    const answer = await raw(other, '/notes', { authorization: `Bearer ${await tokenOf(bearer, 'read')}` });
    assert.equal(answer.status, 500);
    assert.equal(answer.headers['www-authenticate'], undefined);
    assert.deepEqual(api.taken(), []);
  });
}

/** nginx, as the page has it, with the origin and the ports of this world. */
async function behind(open, { world, port, proxy, api }) {
  // Its workers are somebody else, and TMPDIR may be its owner's alone.
  const directory = await mkdtemp('/tmp/writ-nginx-');
  open.push({ close: () => rm(directory, { recursive: true, force: true }) });
  await chmod(directory, 0o755);
  const [, block] = /```nginx\n([^]*?)```/.exec(await readFile(PAGE, 'utf8'));
  const credentials = Buffer.from(`${proxy.client_id}:${proxy.client_secret}`).toString('base64');
  const server = [
    ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
    ['https://as.example', world.issuer],
    ['YXBpOlNFQ1JFVA==', credentials],
    ['"https://api.example"', `"http://127.0.0.1:${port}"`],
    ['http://127.0.0.1:8090', api],
  ].reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the page has no ${from}`);
    return text.replace(from, to);
  }, block);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const path = join(directory, 'nginx.conf');
  await writeFile(
    path,
    `daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log stderr;
events {}
http {
access_log off;
${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n')}
${server}
}
`,
  );
  const url = `http://127.0.0.1:${port}/`;
  return started(open, NGINX, ['-e', 'stderr', '-p', directory, '-c', path], { url });
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

/** The path as it is written here: `fetch` would resolve it. */
async function raw(port, path, headers = {}, { method = 'GET', body } = {}) {
  const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  call.end(body);
  const [answer] = await once(call, 'response');
  const parts = await answer.toArray();
  return { status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() };
}
