// Envoy asks about each request by `ext_authz`, with the configuration of docs/forward-auth.md, in front of an API that knows nothing of
// tokens.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { started } from '../clients/lib/child.mjs';
import { calls, configured, credentialsOf, raw, staged } from '../clients/lib/forward-auth.mjs';
import { freePort } from '../openid-client/lib/process.mjs';

export default async function play(scene, setting) {
  const { world, api, port, origin, proxy, bearer, bound, tokenOf, denied } = await staged(setting, behind);
  const token = await tokenOf(bearer, 'read');
  const ask = (path, fields = {}, more = {}) => raw(port, path, { authorization: `Bearer ${token}`, ...fields }, more);

  await scene('without a token 401, with the challenges', async () => {
    const answer = await raw(port, '/notes');
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer realm=.*DPoP /);
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
    const left = Object.keys(call.headers).filter((name) => name.startsWith('writ-original-'));
    assert.deepEqual(left, []);
  });

  await scene('with a bound token and its proof, once', async () => {
    const own = await tokenOf(bound, 'read');
    assert.equal((await calls(bound, own, `${origin}/notes/7?of=today`)).status, 200);
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
    const names = ['subject', 'client', 'actor', 'task', 'scope'];
    const forged = Object.fromEntries(names.map((name) => [`Writ-${name}`, 'forged']));
    assert.equal((await ask('/notes', { ...forged, 'x-http-method-override': 'DELETE' })).status, 200);
    const [{ headers }] = api.taken();
    const said = Object.entries(headers).filter(([name, value]) => value === 'forged' || name === 'x-http-method-override');
    assert.deepEqual(said, []);
    assert.match(headers['writ-subject'], /^usr_/);
    assert.equal((await ask('/notes', { Writ_Subject: 'forged' })).status, 400);
    assert.deepEqual(api.taken(), []);
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

  await scene('a path is judged as it is passed on, or refused', async () => {
    const tricks = ['/files/../admin', '/files/%2e%2e/admin', '/files/..%2fadmin', '//files/a', '/files//a', '/files/a;b', '/files/a%00', '/files/.', '/files/a%5c..%5cb'];
    for (const path of tricks) {
      const answer = await ask(path);
      assert.ok([400, 403].includes(answer.status), `${path}: ${answer.status}`);
      assert.deepEqual(api.taken(), [], path);
    }
    // What Envoy writes otherwise it does before it asks.
    for (const [path, passed] of [['/files/x/../a', '/files/a'], ['/files/a\\b', '/files/a/b'], ['/%66iles/a', '/files/a']]) {
      assert.equal((await ask(path)).status, 200, path);
      assert.deepEqual(api.taken().map(({ url }) => url), [passed]);
    }
  });

  await scene('what was ended is denied at the next request', async () => {
    assert.equal((await ask('/notes')).status, 200);
    assert.equal(api.taken().length, 1);
    await bearer.revoke(token);
    await denied(await ask('/notes'), 401, 'token_invalid');
  });

  await scene('a proxy with a wrong secret, or whose server is away, lets nobody through and sends nobody to log in', async () => {
    const fields = { authorization: `Bearer ${await tokenOf(bearer, 'read')}` };
    for (const [changed, status] of [
      [{ proxy: { ...proxy, client_secret: 'wrong' } }, 400],
      [{ issuer: `http://127.0.0.1:${await freePort()}` }, 403],
    ]) {
      const other = await freePort();
      await behind(setting.open, { world, port: other, proxy, api: api.url, ...changed });
      const answer = await raw(other, '/notes', fields);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers['www-authenticate'], undefined);
      assert.deepEqual(api.taken(), []);
    }
  });
}

/** Envoy, as the page has it, with the origin and the ports of this world. */
async function behind(open, { world, port, proxy, api, issuer = world.issuer }) {
  const program = process.env.WRIT_ENVOY;
  assert.ok(program, 'WRIT_ENVOY is the path of the program: `tests/run heavy` installs it');
  const [manager] = await configured('yaml', [
    ['https://as.example', issuer],
    ['YXBpOlNFQ1JFVA==', credentialsOf(proxy)],
    ['"https://api.example"', `"http://127.0.0.1:${port}"`],
  ]);
  const directory = await mkdtemp(join(tmpdir(), 'writ-envoy-'));
  open.push({ close: () => rm(directory, { recursive: true, force: true }) });
  const path = join(directory, 'envoy.yaml');
  await writeFile(path, `static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: api
          route_config:
            request_headers_to_remove: [writ-original-authorization, writ-original-dpop]
            virtual_hosts: [{ name: api, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: api } }] }]
${manager.replace(/^/gm, '          ').trimEnd()}
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
${cluster('api', api)}
${cluster('writ', issuer)}
`);
  const args = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'warning'];
  return started(open, program, args, { url: `http://127.0.0.1:${port}/` });
}

function cluster(name, url) {
  const { port } = new URL(url);
  const address = `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`;
  return `  - name: ${name}
    load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address} } }] }] }`;
}
