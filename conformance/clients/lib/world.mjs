// A fresh database, a person, and `writ serve` on a free loopback port, by plain http or behind TLS. Clients and resources are registered while it runs,
// through the command line, by the scene that needs them.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { freePort, run, serve, start } from '../../openid-client/lib/process.mjs';
import { endTls } from './authority.mjs';
import { freshDatabase } from './database.mjs';

const TYPES = resolve(import.meta.dirname, '../../../config/types');

export const PERSON = { username: 'alice', password: 'correct horse battery staple' };
export const API = 'https://api.example/v1';
/** Clients may come with a document; and they may register themselves, as often as these scenes do. */
export const GUESTS = { WRIT__FEATURES__GUESTS: 'true' };
export const OPEN = { ...GUESTS, WRIT__REGISTRATION__MODE: 'open', WRIT__REGISTRATION__PER_ADDRESS: '1000' };
/** Never fetched: the browser of these scenes stops at it. */
export const CALLBACK = 'https://app.example/cb';

/** `settings` are further keys of the configuration, as environment. Whatever was begun stands in `open`, even if this fails. */
export async function createWorld(setting, settings = {}) {
  const port = await freePort();
  return worldAt(setting, { port, issuer: `http://127.0.0.1:${port}` }, settings);
}

/** The same with an https issuer: TLS ends before it. */
export async function createWorldBehindTls(setting, settings = {}) {
  const port = await freePort();
  return worldAt(setting, { port, issuer: await endTls(setting, port) }, settings);
}

async function worldAt({ binary, database, open }, { port, issuer }, settings) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-clients-'));
  const world = new World(binary, directory, issuer);
  open.push(world);
  await world.begin(database, port, settings);
  return world;
}

class World {
  #binary;
  #directory;
  #database;
  #env;
  #server;
  #files = 0;
  #gates = [];

  constructor(binary, directory, issuer) {
    this.#binary = binary;
    this.#directory = directory;
    this.issuer = issuer;
  }

  async begin(database, port, settings) {
    this.#database = await freshDatabase(database, this.#directory);
    this.#env = {
      PATH: process.env.PATH,
      WRIT__SERVER__LISTEN: `127.0.0.1:${port}`,
      WRIT__SERVER__DRAIN_SECONDS: '0',
      WRIT__SERVER__ISSUER: this.issuer,
      WRIT__DATABASE__URL: this.#database.url,
      WRIT__TYPES__PATH: TYPES,
      WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
      ...settings,
    };
    await this.writ(['migrate']);
    await this.writ(['user', 'add', PERSON.username, '--password-stdin'], PERSON.password);
    this.#server = await serve(this.#binary, this.#env, this.issuer);
  }

  writ(args, input) {
    return run(this.#binary, args, this.#env, input);
  }

  /** A plain client of profile `oauth21`; answers what was registered, with its secret where one is due. */
  client(file) {
    return this.add('client', {
      client_name: 'Shop',
      profile: 'oauth21',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      ...file,
    });
  }

  /** An API with a client that may introspect what is meant for it; answers that client. */
  async api(file = {}, id = 'api') {
    const served = await this.client({ client_id: id, client_name: 'API', redirect_uris: [], grant_types: [], response_types: [] });
    await this.add('resource', { resource: API, name: 'API', scopes: ['read', 'write'], client_id: id, ...file });
    return served;
  }

  async add(kind, file, ...more) {
    const path = await this.file(JSON.stringify(file));
    return JSON.parse(await this.writ([kind, 'add', '--file', path, ...more]));
  }

  /** The path of a file that holds this, gone with the world. */
  async file(text) {
    const path = join(this.#directory, `file-${(this.#files += 1)}`);
    await writeFile(path, text);
    return path;
  }

  /** `writ gate` with these options, until the world ends; ready when `url` can be read. */
  async gate(options, url) {
    const gate = await start(this.#binary, ['gate', ...options], this.#env, url);
    this.#gates.push(gate);
  }

  log() {
    return [this.#server, ...this.#gates].map((one) => one?.log() ?? '').join('');
  }

  async close() {
    await Promise.all(this.#gates.map((gate) => gate.stop()));
    await this.#server?.stop();
    await this.#database?.remove();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
