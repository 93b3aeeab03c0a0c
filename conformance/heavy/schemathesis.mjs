// Schemathesis plays the OpenAPI description of everything below `/access` against the server that serves it: no fault of the server, and
// each answer as the description has it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { createWorld } from '../clients/lib/world.mjs';

const execute = promisify(execFile);
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];
const API = 'https://api.example/v1';

export default async function play(scene, setting) {
  const program = process.env.WRIT_SCHEMATHESIS;
  assert.ok(program, 'WRIT_SCHEMATHESIS is the path of the program: `tests/run heavy` installs it');
  const world = await createWorld(setting);
  const file = { client_id: 'api', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'access', bearer: true };
  const client = await world.client(file);
  await world.add('resource', {
    resource: API,
    name: 'API',
    client_id: 'api',
    scopes: ['read'],
    actions: { read_note: { scope: 'read', says: { en: 'read the note {/title}' } } },
    routes: [{ method: 'GET', path: '/v1/notes/*', scope: 'read' }],
  });

  await scene('no fault, and every answer as described', async () => {
    const token = await own(world, client);
    const args = ['run', `${world.issuer}/access/v1/openapi.json`, '--header', `Authorization: Bearer ${token}`];
    const bounds = ['--max-examples', '60', '--seed', '1', '--generation-database', 'none', '--no-color'];
    try {
      await execute(program, [...args, '--checks', CHECKS.join(','), ...bounds], { maxBuffer: 2 ** 26 });
    } catch ({ stdout, stderr }) {
      assert.fail(`${stdout}\n${stderr}`);
    }
  });
}

/** A token of its own, good for five minutes. */
async function own(world, { client_id, client_secret }) {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'access' });
  const answer = await fetch(`${world.issuer}/token`, { method: 'POST', headers: { authorization }, body });
  const { access_token } = await answer.json();
  assert.equal(typeof access_token, 'string');
  return access_token;
}
