// nginx asks about each request by `auth_request`, with the configuration of docs/forward-auth.md, in front of an API that knows nothing of tokens.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from '../../openid-client/lib/process.mjs';
import { started } from '../lib/child.mjs';
import { calls, configured, credentialsOf, raw, staged } from '../lib/forward-auth.mjs';

const NGINX = '/usr/sbin/nginx';

export default async function play(scene, setting) {
  const { world, api, port, origin, proxy, bearer, bound, tokenOf, denied } = await staged(setting, behind);
  const token = await tokenOf(bearer, 'read');
  const ask = (path, fields = {}, more = {}) => raw(port, path, { authorization: `Bearer ${token}`, ...fields }, more);

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
    const answer = await calls(bound, own, `${origin}/notes/7`);
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

  await scene('what the API decides itself is that alone, and says nothing of who calls', async () => {
    const place = '/decided-by-the-api/';
    const doors = ['x', '../notes/7/../../decided-by-the-api/x', './x', '%2e%2e/notes/..%2fdecided-by-the-api/x', 'x/..'];
    const around = ['/notes/7/../..', '/notes/7/%2e%2e/..', '/notes/7%2f..%2f..', '/notes/..;/..'];
    const fields = { 'X-Original-URL': '/notes/7', 'X-Rewrite-URL': '/notes/7', 'X-HTTP-Method-Override': 'DELETE', 'X-HTTP-Method': 'DELETE', 'X-Method-Override': 'DELETE', 'Writ-Subject': 'forged' };
    for (const path of [...doors.map((rest) => place + rest), ...around.map((start) => `${start}${place}x`)]) {
      const answer = await raw(port, path, fields, { method: 'DELETE' });
      const calls = api.taken();
      // What nginx read as another path is judged as that one.
      if (answer.status !== 200) assert.deepEqual(calls, [], path);
      for (const { url, headers } of calls) {
        assert.match(url, /^\/decided-by-the-api\/[^.%]*$/, path);
        const said = Object.keys(headers).filter((name) => /^(x-|writ-)/.test(name) && headers[name] !== '');
        assert.deepEqual(said, [], path);
      }
    }
    assert.equal((await raw(port, `${place}x`)).status, 200);
    assert.equal(api.taken().length, 1);
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
  const [server, decidedByTheApi] = await configured('nginx', [
    ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
    ['https://as.example', world.issuer],
    ['YXBpOlNFQ1JFVA==', credentialsOf(proxy)],
    ['"https://api.example"', `"http://127.0.0.1:${port}"`],
    ['http://127.0.0.1:8090', api],
  ]);
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
${server.replace(/\}\s*$/, `${decidedByTheApi}}`)}
}
`,
  );
  const url = `http://127.0.0.1:${port}/`;
  return started(open, NGINX, ['-e', 'stderr', '-p', directory, '-c', path], { url });
}
