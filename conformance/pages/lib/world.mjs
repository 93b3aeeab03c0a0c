// The people, agents and resources of these scenes: an ordinary one of each, and some that strain a page.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { certify } from '../../clients/lib/authority.mjs';
import { serveDocuments } from '../../clients/lib/documents.mjs';
import { Application, newKeys } from '../../openid-client/lib/application.mjs';
import { CIBA } from '../../openid-client/lib/ciba.mjs';
import { freePort, run, serve } from '../../openid-client/lib/process.mjs';
import { createReceiver } from '../../openid-client/lib/receiver.mjs';
import { DEVICE } from '../../openid-client/lib/world.mjs';
import { createLanding } from './landing.mjs';
import { PSEUDO, withPseudo } from './pseudo.mjs';
import { createSeer } from './seer.mjs';

const TYPES = resolve(import.meta.dirname, '../../../config/types');
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const BANK = 'https://bank.example';
export const CALENDAR = 'https://calendar.example';
export const NOTES = 'https://notes.example';
export const MAIL = 'https://mail.example';
/** Where nobody wanted anything. */
export const EXCHANGE = 'https://exchange.example';
const PASSWORD = 'correct horse battery staple';

/** Everybody has the same password: these scenes are about pages. */
export const person = (username) => ({ username, password: PASSWORD });

export const LONG_NAME =
  'Donaudampfschifffahrtsgesellschaftskapitänskajütenreinigungsplanungsassistent für Groß- und Überseehäfen';
export const RIGHT_TO_LEFT_NAME = 'مساعد السفر الذكي';

export async function createWorld(binary) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-pages-'));
  const landing = await createLanding();
  const receiver = await createReceiver();
  const seer = await createSeer();
  await certify(directory);
  const documents = await serveDocuments({ certificates: directory, open: [] });
  const port = await freePort();
  // Passkeys need a host name.
  const issuer = `http://localhost:${port}`;
  const env = {
    PATH: process.env.PATH,
    WRIT__SERVER__LISTEN: `127.0.0.1:${port}`,
    WRIT__SERVER__DRAIN_SECONDS: '0',
    WRIT__SERVER__ISSUER: issuer,
    WRIT__DATABASE__URL: `sqlite:${join(directory, 'writ.db')}`,
    WRIT__TYPES__PATH: await types(directory),
    WRIT__OUTBOUND__TRUSTED: receiver.origin,
    WRIT__PUSH__HOSTS: receiver.origin,
    WRIT__PUSH__CONTACT: 'mailto:operator@writ.example',
    WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
    WRIT__FEATURES__MISSION_INTENT: 'true',
    WRIT__FEATURES__GUESTS: 'true',
    // Nobody goes there: its button and the page about it are looked at.
    WRIT__UPSTREAM__ACME__ISSUER: 'https://login.acme.example',
    WRIT__UPSTREAM__ACME__LABEL: 'Acme',
    WRIT__UPSTREAM__ACME__CLIENT_ID: 'writ',
    ...seer.env,
    ...documents.settings(),
  };
  seer.trust(issuer);
  const world = new World(binary, directory, issuer, { env, landing, receiver, seer, documents });
  try {
    await world.register();
  } catch (error) {
    await world.remove();
    throw error;
  }
  return world;
}

/** The shipped types, also in the language of debug builds, `transfer`: a payment that needs a passkey, and `wire`: one that needs a live face. */
async function types(directory) {
  const folder = join(directory, 'types');
  await mkdir(folder);
  const write = (type) => writeFile(join(folder, `${type.type}.json`), JSON.stringify(withPseudo(type)));
  const shipped = await Promise.all((await readdir(TYPES)).map((file) => readFile(join(TYPES, file), 'utf8')));
  const all = shipped.map((file) => JSON.parse(file));
  const payment = all.find(({ type }) => type === 'payment');
  for (const type of all) await write(type);
  for (const [type, level] of [['transfer', 'passkey'], ['wire', 'liveness']]) {
    await write({ ...payment, type, level, example: { ...payment.example, type } });
  }
  return folder;
}

class World {
  #binary;
  #directory;
  #env;
  #server;
  #bankSecret;

  constructor(binary, directory, issuer, { env, landing, receiver, seer, documents }) {
    this.#binary = binary;
    this.#directory = directory;
    this.#env = env;
    this.issuer = issuer;
    this.landing = landing;
    this.receiver = receiver;
    this.seer = seer;
    this.documents = documents;
    this.homes = [issuer, landing.origin, seer.origin];
  }

  async register() {
    await this.#writ(['migrate']);
    for (const name of PEOPLE) await this.#writ(['user', 'add', name, '--password-stdin'], PASSWORD);
    const { client_secret } = await this.#add('client', bankApi());
    await this.#add('resource', { ...resource(BANK, 'Bank', ['accounts:read'], ['payment', 'transfer', 'wire']), ...actions() });
    await this.#add('resource', resource(CALENDAR, 'Calendar', ['events:read'], ['calendar', 'mcp_tool_call']));
    await this.#add('resource', { ...resource(NOTES, 'Notes', [DESCRIBED], []), ...noteActions() });
    await this.#add('resource', { ...resource(MAIL, 'Mail', [MAILS], ['mcp_tool_call']), ...mailActions() });
    await this.#add('resource', resource(EXCHANGE, 'Coin Exchange', [], ['payment']));
    await this.#agent('agt_booker', 'Booking helper', { agents: [], depth: 2 });
    this.planner = await this.#agent('agt_planner', 'Travel planner', { agents: ['agt_booker'], depth: 2 });
    this.long = await this.#agent('agt_long', LONG_NAME, { agents: ['agt_booker', 'agt_planner'], depth: 4 });
    this.stranger = await this.#agent('agt_stranger', 'Fare finder', { agents: [], depth: 1 });
    this.counter = await this.#agent('agt_counter', 'Counter', { agents: [], depth: 1 }, { number_matching: true });
    this.rtl = await this.#agent('agt_rtl', RIGHT_TO_LEFT_NAME, { agents: [], depth: 1 });
    this.reports = await this.#plain();
    this.shop = await this.#add('client', shop(this.landing.redirectUri));
    this.#bankSecret = client_secret;
  }

  async serve() {
    this.#server = await serve(this.#binary, this.#env, this.issuer);
    const applications = [this.planner, this.long, this.rtl, this.stranger, this.counter, this.reports];
    await Promise.all(applications.map((application) => application.connect()));
  }

  /** What the bank learns about a token (RFC 7662). */
  async introspect(token) {
    const authorization = `Basic ${Buffer.from(`bank-api:${this.#bankSecret}`).toString('base64')}`;
    const body = new URLSearchParams({ token });
    const answer = await fetch(`${this.issuer}/introspect`, { method: 'POST', headers: { authorization }, body });
    return answer.json();
  }

  /** The bank, or another resource, asks a person about this action of whoever has the token. */
  async askAbout(token, action, properties, resource = BANK) {
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    const evaluation = {
      subject: { type: 'user', id: claims.sub },
      action: { name: action, properties },
      resource: { type: 'resource', id: resource },
      context: { access_token: token },
    };
    const { context } = await this.#access('evaluation', evaluation, 200);
    const denial = { evaluation_id: context.evaluation_id, expires_at: context.access_request.expires_at };
    return this.#access('requests', { ...evaluation, denial }, 202);
  }

  async #access(path, body, status) {
    const authorization = `Basic ${Buffer.from(`bank-api:${this.#bankSecret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await fetch(`${this.issuer}/access/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const said = await answer.text();
    assert.equal(answer.status, status, said);
    return JSON.parse(said);
  }

  /** Acts while the client is stopped. */
  async whileStopped(clientId, act) {
    await this.#writ(['client', 'suspend', clientId]);
    try {
      await act();
    } finally {
      await this.#writ(['client', 'resume', clientId]);
    }
  }

  log() {
    return this.#server?.log() ?? '';
  }

  async remove() {
    await this.#server?.stop();
    await this.landing.close();
    await this.receiver.close();
    await this.seer.close();
    await this.documents.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** What an operator gives somebody for their first passkey. */
  async passkeyCode(name) {
    const printed = await this.#writ(['user', 'passkeys', name, '--enroll']);
    return JSON.parse(printed).code;
  }

  /** What `writ user invite` or `reset` prints. */
  async account(how, name) {
    return JSON.parse(await this.#writ(['user', how, name]));
  }

  #writ(args, input) {
    return run(this.#binary, args, this.#env, input);
  }

  async #agent(clientId, name, onward, more) {
    const keys = await newKeys();
    const file = agent(clientId, name, onward, keys.jwks, this.landing.redirectUri);
    await this.#add('agent', { ...file, ...more });
    return new Application(this.issuer, clientId, keys);
  }

  async #plain() {
    const keys = await newKeys();
    await this.#add('client', reports(keys.jwks, this.landing.redirectUri));
    return new Application(this.issuer, 'reports', keys);
  }

  async #add(kind, file) {
    const path = join(this.#directory, `${kind}.json`);
    await writeFile(path, JSON.stringify(file));
    return JSON.parse(await this.#writ([kind, 'add', '--file', path]));
  }
}

/** Each of them is asked in one story. */
const ASKED = ['anna', 'ben', 'clara', 'dora', 'emil', 'frida', 'gustav', 'hanna', 'ida', 'jonas', 'karla', 'lena', 'quentin', 'rosa', 'sara', 'theo', 'uwe', 'vera', 'wanda', 'xaver'];

/** Each of them has guests, in one setting. */
const HOSTS = ['maria', 'nora', 'olaf', 'paul'];

/** `alice` lives the stories; `new` has nothing; `locked` forgets the password; `jürgen` is looked at. */
const PEOPLE = [...ASKED, ...HOSTS, 'alice', 'new', 'locked', 'jürgen'];

function agent(clientId, name, onward, jwks, redirectUri) {
  const isLong = clientId === 'agt_long';
  return {
    client_id: clientId,
    client_name: name,
    profile: 'agent',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE, CIBA, DEVICE],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'openid accounts:read events:read notes:write mail:send',
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    authorization_details_types: ['payment', 'transfer', 'wire', 'calendar', 'mcp_tool_call'],
    agent: {
      may_ask: [...ASKED, 'alice'],
      owner: isLong ? 'jürgen' : 'alice',
      sponsor: isLong ? 'jürgen' : 'alice',
      publisher: clientId === 'agt_stranger' ? 'Trip Deals' : isLong ? 'Österreichische Überseehäfen- und Großschifffahrtsverwaltung Gesellschaft m. b. H. & Co. KG' : 'Acme Travel',
      ceiling: {
        scopes: [
          { resource: BANK, scope: 'accounts:read' },
          { resource: CALENDAR, scope: 'events:read' },
          { resource: NOTES, scope: 'notes:write' },
          { resource: MAIL, scope: 'mail:send' },
        ],
        authorization_details: [{ type: 'payment' }, { type: 'transfer' }, { type: 'wire' }, { type: 'calendar' }, { type: 'mcp_tool_call' }],
        lifetime: 86_400,
      },
      onward,
    },
  };
}

function reports(jwks, redirectUri) {
  return {
    client_id: 'reports',
    client_name: 'Reports',
    profile: 'oauth21',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'openid accounts:read',
    dpop_bound_access_tokens: true,
  };
}

/** A web app that signs people in, and whose consent is remembered. */
function shop(redirectUri) {
  return {
    client_id: 'shop',
    client_name: 'Shop',
    profile: 'oauth21',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid accounts:read',
    remember_consent: true,
  };
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

/** What the bank asks about. */
function actions() {
  const says = { en: 'report the fault {/title}', de: 'den Fehler {/title} melden' };
  return { verifies_proofs: true, actions: { report_fault: { scope: 'accounts:read', ask: true, says } } };
}

const DESCRIBED = { name: 'notes:write', says: { en: 'Change your notes', de: 'Ihre Notizen ändern', [PSEUDO]: 'לשנות את הפתקים' } };

/** What the notes ask about: the title is the one that they looked up. */
function noteActions() {
  const says = { en: 'delete the note {/title}', de: 'die Notiz {/title} löschen' };
  const delete_note = { scope: 'notes:write', ask: true, says, resolved: ['/title'], called: { '/label': '/title' } };
  return { verifies_proofs: true, actions: { delete_note } };
}

const MAILS = { name: 'mail:send', says: { en: 'Send mail', de: 'E-Mails senden', [PSEUDO]: 'לשלוח דואר' } };

/** What the mail server asks about: shown as the mail that it sends. */
function mailActions() {
  const says = { en: 'send the mail {/subject}', de: 'die E-Mail {/subject} senden' };
  const does = { en: 'send this mail', de: 'diese E-Mail senden' };
  const letter = { to: '/to', cc: '/cc', bcc: '/bcc', subject: '/subject', text: '/text' };
  return { verifies_proofs: true, actions: { send_mail: { scope: 'mail:send', ask: true, says, shown: { does, letter } } } };
}

function resource(uri, name, scopes, types) {
  return {
    resource: uri,
    name,
    scopes,
    authorization_details_types: types,
    client_id: 'bank-api',
    agents_only: false,
    task_claims: ['purpose'],
    guests: { mode: 'bearer', scopes: scopes.map((scope) => scope.name ?? scope), types: types.filter((type) => type === 'payment') },
  };
}
