// A fresh database, a person, and `writ serve` on a free loopback port. Clients and resources are registered while it runs,
// through the command line, by the scene that needs them.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { freePort, run, serve } from '../../openid-client/lib/process.mjs';

const TYPES = resolve(import.meta.dirname, '../../../config/types');

export const PERSON = { username: 'alice', password: 'correct horse battery staple' };
export const API = 'https://api.example/v1';
/** Clients may come with a document; and they may register themselves, as often as these scenes do. */
export const GUESTS = { WRIT__FEATURES__GUESTS: 'true' };
export const OPEN = { ...GUESTS, WRIT__REGISTRATION__MODE: 'open', WRIT__REGISTRATION__PER_ADDRESS: '1000' };
/** Never fetched: the browser of these scenes stops at it. */
export const CALLBACK = 'https://app.example/cb';

/** `settings` are further keys of the configuration, as environment. Whatever was begun stands in `open`, even if this fails. */
export async function createWorld({ binary, open }, settings = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-clients-'));
  const port = await freePort();
  const world = new World(binary, directory, `http://127.0.0.1:${port}`, settings);
  open.push(world);
  await world.begin();
  return world;
}

class World {
  #binary;
  #directory;
  #env;
  #server;
  #files = 0;

  constructor(binary, directory, issuer, settings) {
    this.#binary = binary;
    this.#directory = directory;
    this.issuer = issuer;
    this.#env = {
      PATH: process.env.PATH,
      WRIT__SERVER__LISTEN: new URL(issuer).host,
      WRIT__SERVER__ISSUER: issuer,
      WRIT__DATABASE__URL: `sqlite:${join(directory, 'writ.db')}`,
      WRIT__TYPES__PATH: TYPES,
      WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
      ...settings,
    };
  }

  async begin() {
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

  async add(kind, file) {
    const path = join(this.#directory, `${kind}-${(this.#files += 1)}.json`);
    await writeFile(path, JSON.stringify(file));
    return JSON.parse(await this.writ([kind, 'add', '--file', path]));
  }

  log() {
    return this.#server?.log() ?? '';
  }

  async close() {
    await this.#server?.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
