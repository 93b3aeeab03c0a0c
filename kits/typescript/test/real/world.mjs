/** The built binary with alice, a bank and two agents, and the bank's API, which the kit protects. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from 'jose';

import { Agent, publicJwk } from 'writ-kit/agent';
import { answer, callerOf, protect, Verifier } from 'writ-kit/resource';

import { Browser } from '../../../../conformance/openid-client/lib/browser.mjs';
import { Phone } from '../../../../conformance/openid-client/lib/phone.mjs';
import { freePort, run, serve } from '../../../../conformance/openid-client/lib/process.mjs';

const { WRIT_BINARY: binary } = process.env;
export const ALICE = { username: 'alice', password: 'correct horse battery staple' };
const SCOPES = ['accounts:read', 'accounts:write'];
const GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
];

/** A fresh database with alice; `serve` starts the server when everything is registered. */
export async function emptyWorld(t, settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'writ-kit-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const env = {
    PATH: process.env.PATH,
    WRIT__SERVER__LISTEN: new URL(issuer).host,
    WRIT__SERVER__DRAIN_SECONDS: '0',
    WRIT__SERVER__ISSUER: issuer,
    WRIT__DATABASE__URL: `sqlite:${join(folder, 'writ.db')}`,
    WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
    WRIT__TYPES__PATH: new URL('../../../../config/types', import.meta.url).pathname,
    ...settings,
  };
  const writ = (args, input) => run(binary, args, env, input);
  const add = async (kind, file) => {
    const path = join(folder, `${kind}.json`);
    await writeFile(path, JSON.stringify(file));
    return JSON.parse(await writ([kind, 'add', '--file', path]));
  };
  await writ(['migrate']);
  await writ(['user', 'add', ALICE.username, '--password-stdin'], ALICE.password);
  const serving = async () => {
    const server = await serve(binary, env, issuer);
    t.after(() => server.stop());
  };
  const phone = new Phone(issuer, ALICE);
  return { issuer, writ, add, serve: serving, phone, browser: new Browser() };
}

export async function createWorld(t) {
  const world = await emptyWorld(t, { WRIT__FEATURES__MISSION_INTENT: 'true' });
  const { issuer, add } = world;
  const bank = await add('client', api('bank-api'));
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const resource = `http://127.0.0.1:${listener.address().port}`;
  await add('resource', { resource, name: 'Bank', scopes: SCOPES, client_id: 'bank-api' });
  const agents = {};
  const registered = {};
  for (const [id, onward] of [
    ['agt_planner', { agents: ['agt_booker'], depth: 2 }],
    ['agt_booker', { agents: [], depth: 2 }],
  ]) {
    const assertion = await generateKeyPair('ES256', { extractable: true });
    const jwk = await publicJwk(assertion.publicKey);
    await add('agent', agentFile(id, { jwk, onward, resource }));
    registered[id] = { key: assertion.privateKey, kid: jwk.kid };
    agents[id] = { clientId: id, assertion: registered[id] };
  }
  await world.serve();
  for (const [id, config] of Object.entries(agents)) {
    agents[id] = await Agent.discover(issuer, {
      ...config,
      dpop: await generateKeyPair('ES256', { extractable: true }),
    });
  }
  const live = { clientId: 'bank-api', clientSecret: bank.client_secret };
  serveBank(listener, new Verifier({ issuer, resource, live }));
  t.after(() => listener.close());
  const { agt_planner: planner, agt_booker: booker } = agents;
  return { ...world, resource, planner, booker, plannerKey: registered.agt_planner };
}

/** Says who calls, to whom may read. */
function serveBank(listener, verifier) {
  const guarded = protect(verifier);
  listener.on('request', (request, response) =>
    guarded(request, response, (error) => {
      if (error !== undefined) throw error;
      const caller = callerOf(request);
      try {
        caller.requireScope(request.method === 'GET' ? 'accounts:read' : 'accounts:write');
      } catch (rejection) {
        return answer(rejection, response);
      }
      const { subject, actors, task } = caller;
      response.end(
        JSON.stringify({ subject: subject.kind, actors: actors.map(({ sub }) => sub), purpose: task.purpose }),
      );
    }),
  );
}

/** The client that serves a resource. */
export function api(id) {
  return {
    client_id: id,
    client_name: id,
    profile: 'oauth21',
    redirect_uris: [],
    grant_types: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  };
}

function agentFile(id, { jwk, onward, resource }) {
  return {
    client_id: id,
    client_name: id.slice(4),
    profile: 'agent',
    redirect_uris: [`https://${id.slice(4)}.example/cb`],
    grant_types: GRANTS,
    jwks: { keys: [jwk] },
    scope: SCOPES.join(' '),
    agent: {
      owner: ALICE.username,
      sponsor: ALICE.username,
      publisher: 'Acme',
      ceiling: { scopes: SCOPES.map((scope) => ({ resource, scope })), lifetime: 3600 },
      onward,
    },
  };
}
