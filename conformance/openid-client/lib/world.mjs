// The world of the scenes: people, a bank that is protected, agents and other applications, registered through the command
// line of the built binary, in a fresh database; and a receiver on loopback for what the server sends.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Application, newKeys } from './application.mjs';
import { CIBA } from './ciba.mjs';
import { freePort, run, serve } from './process.mjs';
import { createReceiver } from './receiver.mjs';

const TYPES = resolve(import.meta.dirname, '../../../config/types');

export const BANK = 'https://bank.example';
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const PUSH_CONTACT = 'mailto:operator@writ.example';
const PASSWORD = 'correct horse battery staple';
export const PERSON = { username: 'alice', password: PASSWORD };

/** Whom clients ask, one for each scene and serving: what one of them denies is no pause for another. */
const ASKED = [
  'approver',
  'frugal',
  'denier',
  'absent',
  'slow',
  'guarded',
  'shopper',
  'signed',
  'typist',
  'follower',
  'refuser',
  'guesser',
  'pinged',
  'pushed',
  'notified',
];
/** Nobody may ask them. */
const UNRELATED = ['new'];
const SERVINGS = ['on', 'off'];

export async function createWorld(binary, database) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-openid-client-'));
  const receiver = await createReceiver();
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH,
    WRIT__SERVER__LISTEN: `127.0.0.1:${port}`,
    WRIT__SERVER__DRAIN_SECONDS: '0',
    WRIT__SERVER__ISSUER: issuer,
    WRIT__DATABASE__URL: database === 'sqlite' ? `sqlite:${join(directory, 'writ.db')}` : database,
    WRIT__TYPES__PATH: TYPES,
    WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
    WRIT__FEATURES__MISSION_INTENT: 'true',
    WRIT__OUTBOUND__TRUSTED: receiver.origin,
    WRIT__PUSH__HOSTS: receiver.origin,
    WRIT__PUSH__CONTACT: PUSH_CONTACT,
  };
  const world = new World(binary, directory, issuer, { env, receiver });
  try {
    await world.register();
  } catch (error) {
    await world.remove();
    throw error;
  }
  return world;
}

class World {
  #binary;
  #directory;
  #env;
  #servers = [];

  constructor(binary, directory, issuer, { env, receiver }) {
    this.#binary = binary;
    this.#directory = directory;
    this.#env = env;
    this.issuer = issuer;
    this.receiver = receiver;
  }

  async register() {
    this.payment = await examplePayment();
    await this.writ('migrate');
    for (const name of [PERSON.username, ...asked(ASKED), ...asked(UNRELATED)]) {
      await this.writ('user', 'add', name, '--password-stdin', PASSWORD);
    }
    this.bankApi = await this.#add('client', bankApi());
    await this.#add('resource', bank());
    this.planner = await this.#agent('agt_planner', 'Planner', { agents: ['agt_booker'], depth: 2 });
    this.booker = await this.#agent('agt_booker', 'Booker', { agents: [], depth: 2 });
    this.stranger = await this.#agent('agt_stranger', 'Stranger', { agents: [], depth: 2 });
    this.asker = await this.#agent('agt_asker', 'Booking helper', { agents: [], depth: 1 }, asked(ASKED));
    this.web = await this.#plain('web', webApplication);
    this.till = await this.#plain('till', plainAsker());
    this.signer = await this.#plain('signer', plainAsker({ backchannel_authentication_request_signing_alg: 'ES256' }));
    this.pinged = await this.#plain('pinged', plainAsker(this.#delivered('ping')));
    this.pushed = await this.#plain('pushed', plainAsker(this.#delivered('push')));
  }

  #delivered(mode) {
    return {
      backchannel_token_delivery_mode: mode,
      backchannel_client_notification_endpoint: `${this.receiver.origin}/${mode}`,
    };
  }

  applications() {
    const { planner, booker, stranger, asker, web, till, signer, pinged, pushed } = this;
    return [planner, booker, stranger, asker, web, till, signer, pinged, pushed];
  }

  /** Whoever has this name in this serving. */
  person(name, { nonces }) {
    return { username: `${name}-${nonces ? 'on' : 'off'}`, password: PASSWORD };
  }

  /** One command of the binary; after `--password-stdin` comes what it reads. Answers what it printed. */
  writ(...args) {
    const end = args.indexOf('--password-stdin');
    const input = end === -1 ? '' : args.splice(end + 1).join('');
    return run(this.#binary, args, this.#env, input);
  }

  /** Starts the server; `nonces` switches server nonces for every profile. */
  async serve({ nonces }) {
    const env = { ...this.#env };
    for (const profile of ['AGENT', 'FAPI2', 'OAUTH21']) {
      env[`WRIT__PROFILES__${profile}__DPOP_NONCE`] = String(nonces);
    }
    const server = await serve(this.#binary, env, this.issuer);
    this.#servers.push(server);
    return { world: this, nonces, stop: () => server.stop() };
  }

  /** What every server said, for a failed run. */
  log() {
    return this.#servers.map((server) => server.log()).join('');
  }

  async remove() {
    await this.receiver.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #agent(clientId, name, onward, mayAsk) {
    const keys = await newKeys();
    const file = agent(clientId, name, onward, keys.jwks, this.payment);
    if (mayAsk !== undefined) {
      file.agent.may_ask = mayAsk;
      file.number_matching = true;
    }
    await this.#add('agent', file);
    return new Application(this.issuer, clientId, keys);
  }

  async #plain(clientId, file) {
    const keys = await newKeys();
    await this.#add('client', file(clientId, keys.jwks));
    return new Application(this.issuer, clientId, keys);
  }

  async #add(kind, file) {
    const path = join(this.#directory, `${kind}-${file.client_id ?? 'file'}.json`);
    await writeFile(path, JSON.stringify(file));
    return JSON.parse(await this.writ(kind, 'add', '--file', path));
  }
}

/** The payment that the shipped type gives as its example, aimed at our bank. */
async function examplePayment() {
  const type = JSON.parse(await readFile(join(TYPES, 'payment.json'), 'utf8'));
  const { ref: _ref, type_hash: _hash, ...example } = type.example;
  return { ...example, locations: [BANK] };
}

function agent(clientId, name, onward, jwks, payment) {
  return {
    client_id: clientId,
    client_name: name,
    profile: 'agent',
    redirect_uris: [redirectUri(clientId)],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE, CIBA, DEVICE],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'accounts:read',
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    authorization_details_types: ['payment'],
    agent: {
      owner: PERSON.username,
      sponsor: PERSON.username,
      publisher: 'Acme',
      ceiling: {
        scopes: [{ resource: BANK, scope: 'accounts:read' }],
        authorization_details: [payment],
        lifetime: 3600,
      },
      onward,
    },
  };
}

function webApplication(clientId, jwks) {
  return {
    client_id: clientId,
    client_name: 'Web application',
    profile: 'oauth21',
    redirect_uris: [redirectUri(clientId)],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'openid',
    dpop_bound_access_tokens: true,
  };
}

/** An application that is no agent and asks people by CIBA. */
function plainAsker(more) {
  return (clientId, jwks) => ({
    client_id: clientId,
    client_name: 'Shop',
    profile: 'oauth21',
    redirect_uris: [],
    response_types: [],
    grant_types: [CIBA],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'openid',
    dpop_bound_access_tokens: true,
    may_ask: asked(ASKED),
    ...more,
  });
}

function asked(names) {
  return names.flatMap((name) => SERVINGS.map((serving) => `${name}-${serving}`));
}

function bankApi() {
  return {
    client_id: 'bank-api',
    client_name: 'Bank API',
    profile: 'oauth21',
    redirect_uris: [],
    grant_types: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  };
}

function bank() {
  return {
    resource: BANK,
    name: 'Bank',
    scopes: ['accounts:read'],
    authorization_details_types: ['payment'],
    client_id: 'bank-api',
    agents_only: true,
    task_claims: ['purpose'],
  };
}

/** Never fetched: the browser of these scenes stops at it. */
export function redirectUri(clientId) {
  return `https://${clientId.replaceAll('_', '-')}.example/cb`;
}
