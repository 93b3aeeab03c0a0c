// Entry: `node upgrade.mjs PATH-OF-WRIT FOLDER-OF-AN-EARLIER-VERSION... [--postgres URL]`. A folder has the sources of that version and, beside
// them, its binary `writ`. It registers and serves; while a client keeps asking it for tokens, this version brings the tables up to date and, on
// PostgreSQL, serves beside it. What the earlier one gave must hold, and it must go on (docs/deployment.md, "Updates").

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import * as client from 'openid-client';

import { freshDatabase } from '../clients/lib/database.mjs';
import { newKeys } from './lib/application.mjs';
import { approved, redeem } from './lib/journey.mjs';
import { freePort, run, serve } from './lib/process.mjs';
import { Report } from './lib/report.mjs';
import { BANK, PERSON, redirectUri } from './lib/world.mjs';

const HERE = resolve(import.meta.dirname, '../..');
const AGENT = 'agt_planner';
const SCOPE = 'accounts:read';
/** Between two requests of the client that keeps asking. */
const PACE = 100;
/** Longer than a node believes its configuration without reading it again. */
const LONG_ENOUGH = 12_000;
const KILLED = 12;
/** Of a text in a type. */
const LONGEST = 140;

const [binary, ...rest] = process.argv.slice(2);
const at = rest.indexOf('--postgres');
const [, postgres] = at === -1 ? [] : rest.splice(at, 2);
if (!binary || rest.length === 0) {
  console.error('usage: node upgrade.mjs PATH-OF-WRIT FOLDER-OF-AN-EARLIER-VERSION... [--postgres URL]');
  process.exit(2);
}

const NEW = resolve(binary);
const NEW_TYPES = join(HERE, 'config/types');
class World {
  #servers = [];
  #files = 0;

  constructor(folder, server) {
    this.folder = resolve(folder);
    this.server = server;
    this.old = join(this.folder, 'writ');
    this.shared = server !== 'sqlite';
  }

  async begin() {
    this.directory = await mkdtemp(join(tmpdir(), 'writ-upgrade-'));
    this.database = await freshDatabase(this.server, this.directory);
    this.port = await freePort();
    this.issuer = `http://127.0.0.1:${this.port}`;
    this.master = randomBytes(32).toString('base64url');
    await this.#register();
  }

  env(port = this.port, types = join(this.directory, 'types')) {
    return {
      PATH: process.env.PATH,
      WRIT__SERVER__LISTEN: `127.0.0.1:${port}`,
      WRIT__SERVER__ISSUER: this.issuer,
      WRIT__DATABASE__URL: this.database.url,
      WRIT__TYPES__PATH: types,
      WRIT__KEYS__MASTER: this.master,
    };
  }

  writ(program, args, input) {
    return run(program, args, this.env(), input);
  }

  /** A node at this port; the issuer's is the first one's. */
  async serve(program, port = this.port, types = undefined) {
    const node = await serve(program, this.env(port, types), `http://127.0.0.1:${port}`);
    this.#servers.push(node);
    return node;
  }

  async #register() {
    const type = JSON.parse(await readFile(join(this.folder, 'config/types/payment.json'), 'utf8'));
    await mkdir(join(this.directory, 'types'));
    await writeFile(join(this.directory, 'types/payment.json'), JSON.stringify(bounded(type)));
    await this.writ(this.old, ['migrate']);
    await this.writ(this.old, ['user', 'add', PERSON.username, '--password-stdin'], PERSON.password);
    const { ref: _ref, type_hash: _hash, ...example } = type.example;
    this.payment = { ...example, locations: [BANK] };
    this.keys = await newKeys();
    this.bank = await this.#add('client', {
      client_id: 'bank-api', client_name: 'Bank API', profile: 'oauth21', redirect_uris: [], grant_types: [],
      response_types: [], token_endpoint_auth_method: 'client_secret_basic',
    });
    await this.#add('resource', {
      resource: BANK, name: 'Bank', scopes: [SCOPE], authorization_details_types: ['payment'], client_id: 'bank-api',
    });
    await this.#add('agent', planner(this.keys.jwks, this.payment));
  }

  async #add(kind, file) {
    const path = join(this.directory, `${kind}-${(this.#files += 1)}.json`);
    await writeFile(path, JSON.stringify(file));
    return JSON.parse(await this.writ(this.old, [kind, 'add', '--file', path]));
  }

  log() {
    return this.#servers.map((server) => server.log()).join('\n');
  }

  async remove() {
    for (const server of this.#servers) await server.stop();
    await this.database?.remove();
    if (this.directory) await rm(this.directory, { recursive: true, force: true });
  }
}

/** As the earlier version has it, and so that this one reads it too: each text has an end. */
function bounded(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, bounded(member)]);
  const bound = value.type === 'string' && !('enum' in value) ? { maxLength: LONGEST } : {};
  return { ...bound, ...Object.fromEntries(members) };
}

function planner(jwks, payment) {
  return {
    client_id: AGENT,
    client_name: 'Planner',
    profile: 'agent',
    redirect_uris: [redirectUri(AGENT)],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: SCOPE,
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    authorization_details_types: ['payment'],
    agent: {
      owner: PERSON.username,
      sponsor: PERSON.username,
      publisher: 'Acme',
      ceiling: { scopes: [{ resource: BANK, scope: SCOPE }], authorization_details: [payment], lifetime: 3600 },
      onward: { agents: [], depth: 1 },
    },
  };
}

/** The planner and the bank, as they speak to the node at `port`: both nodes answer for one issuer, as behind a load balancer. */
async function speakers(world, pair, port) {
  const route = (url, options) => {
    const to = new URL(url);
    to.port = port;
    return fetch(to, options);
  };
  const discover = (id, authentication) => client.discovery(new URL(world.issuer), id, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
    [client.customFetch]: route,
  });
  const { privateKey: key, kid } = world.keys;
  const config = await discover(AGENT, client.PrivateKeyJwt({ key, kid }));
  const bank = await discover('bank-api', client.ClientSecretBasic(world.bank.client_secret));
  const DPoP = client.getDPoPHandle(config, pair);
  return {
    config,
    clientId: AGENT,
    DPoP,
    ask: () => client.clientCredentialsGrant(config, { resource: BANK, scope: SCOPE }, { DPoP }),
    refresh: (token) => client.refreshTokenGrant(config, token, undefined, { DPoP }),
    isActive: async (token) => (await client.tokenIntrospection(bank, token)).active,
  };
}

/** Asks all the time, and counts the answers by what they say. */
class Asking {
  answers = {};
  #ended = false;

  constructor(speaker) {
    this.#ask(speaker);
  }

  async #ask(speaker) {
    while (!this.#ended) {
      let said = 'token';
      try {
        await speaker.ask();
      } catch (error) {
        said = `${error.status ?? error.cause?.status ?? ''} ${error.error ?? error.cause?.code ?? error.message}`;
      }
      this.answers[said] = (this.answers[said] ?? 0) + 1;
      await pause(PACE);
    }
  }

  async more(count) {
    const before = this.answers.token ?? 0;
    const deadline = Date.now() + 60_000;
    while ((this.answers.token ?? 0) < before + count) {
      assert.ok(Date.now() < deadline, JSON.stringify(this.answers));
      await pause(PACE);
    }
  }

  /** Tokens alone, or that the database cannot be used just now. */
  end() {
    this.#ended = true;
    console.log(`        answers meanwhile: ${JSON.stringify(this.answers)}`);
    const others = Object.keys(this.answers).filter((said) => said !== 'token' && !said.startsWith('503'));
    assert.deepEqual(others, []);
  }
}

async function upgrade(scene, world) {
  await world.begin();
  const roll = { earlier: await world.serve(world.old), pair: await client.randomDPoPKeyPair('ES256') };
  roll.old = await speakers(world, roll.pair, world.port);
  roll.request = { scope: SCOPE, resource: BANK, authorization_details: JSON.stringify([world.payment]) };
  roll.tokens = await redeem(roll.old, await approved(roll.old, roll.request));
  roll.asking = new Asking(roll.old);
  await migrated(scene, world, roll);
  await served(scene, world, roll);
  if (world.shared) await sideBySide(scene, world, roll);
  await stopped(scene, world, roll);
  await scene(`a migration that is killed, ${KILLED} times anywhere, is completed by the next`, async () => {
    for (let time = 0; time < KILLED; time += 1) await killed(world);
  });
}

async function migrated(scene, world, { old, asking, tokens }) {
  await scene('the earlier node goes on while the tables are brought up to date, and after', async () => {
    assert.ok(await old.isActive(tokens.access_token));
    await asking.more(5);
    await world.writ(NEW, ['migrate']);
    await asking.more(20);
    assert.ok(await old.isActive(tokens.access_token));
    Object.assign(tokens, await old.refresh(tokens.refresh_token));
  });
}

async function served(scene, world, roll) {
  const { tokens } = roll;
  const port = world.shared ? await freePort() : world.port;
  if (!world.shared) {
    // SQLite has one node.
    roll.asking.end();
    await roll.earlier.stop();
  }
  roll.node = await world.serve(NEW, port);
  roll.young = await speakers(world, roll.pair, port);

  await scene('what the earlier one gave holds at this one: introspection, refresh', async () => {
    assert.ok(await roll.young.isActive(tokens.access_token));
    Object.assign(tokens, await roll.young.refresh(tokens.refresh_token));
    assert.ok(await roll.young.isActive(tokens.access_token));
  });
}

async function sideBySide(scene, world, roll) {
  const { old, young, tokens, request } = roll;

  await scene('both run side by side, and each takes what the other gave', async () => {
    await pause(LONG_ENOUGH);
    await roll.asking.more(20);
    assert.ok(await old.isActive(tokens.access_token));
    Object.assign(tokens, await old.refresh(tokens.refresh_token));
    assert.ok(await young.isActive(tokens.access_token));
    const fresh = await redeem(old, await approved(old, request));
    assert.ok(await young.isActive((await young.refresh(fresh.refresh_token)).access_token));
    roll.asking.end();
  });

  await scene('the earlier one starts again on the newer tables', async () => {
    await roll.earlier.stop();
    roll.earlier = await world.serve(world.old);
    await old.ask();
    assert.ok(await old.isActive(tokens.access_token));
  });
}

async function stopped(scene, world, { old, young, pair, request, ...roll }) {
  await scene('a stop counts on every node at once', async () => {
    const { access_token: token } = roll.tokens;
    const { mission } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    await world.writ(NEW, ['task', 'stop', mission.id]);
    assert.equal(await young.isActive(token), false);
    if (world.shared) assert.equal(await old.isActive(token), false);
  });
  await roll.node.stop();
  await roll.earlier.stop();

  await scene('once the last earlier one is gone, the types of this version', async () => {
    const node = await world.serve(NEW, world.port, NEW_TYPES);
    const alone = await speakers(world, pair, world.port);
    const fresh = await redeem(alone, await approved(alone, request));
    assert.ok(await alone.isActive((await alone.refresh(fresh.refresh_token)).access_token));
    await node.stop();
  });
}

/** Tables of the earlier version with a person; whoever brings them up to date is killed, and so is its successor. */
async function killed(world) {
  const trial = new World(world.folder, world.server);
  try {
    await trial.begin();
    for (const within of [40, 80, 160]) {
      const child = spawn(NEW, ['migrate'], { env: trial.env(), stdio: 'ignore' });
      const gone = once(child, 'close');
      await pause(randomInt(within));
      child.kill('SIGKILL');
      await gone;
    }
    await trial.writ(NEW, ['migrate']);
    const said = await trial.writ(NEW, ['user', 'list']);
    assert.ok(said.includes(PERSON.username), said);
  } finally {
    await trial.remove();
  }
}

const report = new Report();
for (const folder of rest) {
  for (const server of ['sqlite', ...(postgres ? [postgres] : [])]) {
    const world = new World(folder, server);
    try {
      await report.within(`${basename(folder).slice(0, 12)}, ${server.split(':', 1)[0]}`, (scene) => upgrade(scene, world));
    } catch (error) {
      report.broken(error);
    }
    if (report.failed > 0) console.log(world.log());
    await world.remove();
  }
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
