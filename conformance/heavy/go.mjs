// golang.org/x/oauth2 and go-oidc: a login, with what they do by themselves.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { API, createWorld, PERSON } from '../clients/lib/world.mjs';
import { Browser } from '../openid-client/lib/browser.mjs';
import { freePort } from '../openid-client/lib/process.mjs';
import { started } from './child.mjs';

export default async function play(scene, setting) {
  const program = await built(setting.open);
  const world = await createWorld(setting);
  await world.api();
  const run = (file, more) => visited(setting.open, program, world, file, more);

  for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
    await scene(`${method}: code with PKCE and refresh; x/oauth2 finds out by itself how to authenticate`, async () => {
      const said = await run({ token_endpoint_auth_method: method, scope: 'read' }, { scopes: ['read'], resource: API });
      assert.deepEqual(said, { token_type: 'Bearer', scope: 'read', refreshed: true });
    });
  }

  await scene('go-oidc: `openid profile email offline_access`, userinfo, refresh', async () => {
    const scopes = ['openid', 'profile', 'email', 'offline_access'];
    const said = await run({ scope: scopes.join(' ') }, { scopes });
    assert.match(said.sub, /^usr_/);
    assert.equal(said.userinfo, said.sub);
    assert.equal(said.refreshed, true);
  });

  await scene('go-oidc: an ID token with ES256', async () => {
    const said = await run({ scope: 'openid', id_token_signed_response_alg: 'ES256' }, { scopes: ['openid'] });
    assert.equal(said.userinfo, said.sub);
  });
}

async function built(open) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-go-'));
  open.push({ close: () => rm(directory, { recursive: true, force: true }) });
  const program = join(directory, 'application');
  await promisify(execFile)('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd: join(import.meta.dirname, 'go') });
  return program;
}

async function visited(open, program, world, file, settings) {
  const listen = `127.0.0.1:${await freePort()}`;
  const client = await world.client({ redirect_uris: [`http://${listen}/callback`], bearer: true, ...file });
  const { client_id, client_secret = '' } = client;
  const input = JSON.stringify({ issuer: world.issuer, client_id, client_secret, listen, ...settings });
  await started(open, program, [], { url: `http://${listen}/`, input });
  const sent = await fetch(`http://${listen}/login`, { redirect: 'manual' });
  const answer = await fetch(await new Browser().approve(sent.headers.get('location'), PERSON));
  const said = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}
