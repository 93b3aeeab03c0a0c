// Clients of every kind for the trials of the metadata.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import * as oauth from 'oauth4webapi';

import { Browser } from '../../../openid-client/lib/browser.mjs';
import { Phone } from '../../../openid-client/lib/phone.mjs';
import { createReceiver } from '../../../openid-client/lib/receiver.mjs';
import { serveDocuments } from '../documents.mjs';
import { Application, discovered } from '../flow.mjs';
import { keyPair } from '../keys.mjs';
import { API, CALLBACK, createWorldBehindTls, OPEN, PERSON } from '../world.mjs';

export const CIBA = 'urn:openid:params:grant-type:ciba';
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const IDENTITY = ['openid', 'profile', 'email', 'offline_access'];
const TYPES = resolve(import.meta.dirname, '../../../../config/types');
/** Nobody listens there: with a mail server people have addresses. */
const MAIL = { WRIT__MAIL__SMTP: 'smtp://127.0.0.1:9', WRIT__MAIL__FROM: 'writ@writ.example' };
const DRAFTS = { WRIT__FEATURES__MISSION_INTENT: 'true', WRIT__FEATURES__TRANSACTION_CHALLENGE: 'true' };

export class Cast {
  #registered = new Map();

  static async begin(setting) {
    const documents = await serveDocuments(setting);
    const receiver = await createReceiver();
    setting.open.push(receiver);
    const settings = { ...OPEN, ...DRAFTS, ...MAIL, ...documents.settings(), WRIT__OUTBOUND__TRUSTED: receiver.origin };
    const world = await createWorldBehindTls(setting, settings);
    const challenger = await keyPair('ES256');
    const api = await world.api({
      authorization_details_types: Object.keys(await examples()),
      guests: { mode: 'bearer', scopes: ['read'] },
      txn_challenge_jwks: { keys: [challenger.jwk] },
    });
    const cast = Object.assign(new Cast(), { world, documents, receiver, api, challenger });
    cast.as = await discovered(world.issuer);
    return cast;
  }

  phone() {
    return new Phone(this.world.issuer, PERSON);
  }

  setEmail() {
    return this.world.writ(['user', 'change', PERSON.username, '--email', 'alice@example.org']);
  }

  setUserCode(code) {
    return this.#set('code-save', { user_code: code, password: PERSON.password });
  }

  async #set(button, typed) {
    const browser = new Browser();
    const page = await browser.open(`${this.world.issuer}/app/settings`, PERSON);
    await browser.press(page, button, typed, PERSON);
  }

  /** A plain client and how it authenticates: by `method`, signing with `alg` where it signs. The same for whoever asks the same. */
  async plain(method, file = {}, alg = 'ES256') {
    const wanted = JSON.stringify([method, file, alg]);
    if (!this.#registered.has(wanted)) this.#registered.set(wanted, this.#register(method, file, alg));
    const { client_id, client_secret, privateKey, jwk } = await this.#registered.get(wanted);
    const authentications = {
      none: () => oauth.None(),
      client_secret_basic: () => oauth.ClientSecretBasic(client_secret),
      client_secret_post: () => oauth.ClientSecretPost(client_secret),
      private_key_jwt: () => oauth.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }),
    };
    return Object.assign(new Application(this.as, { client_id }, authentications[method]()), { privateKey, jwk });
  }

  async #register(method, file, alg) {
    const keys = method === 'private_key_jwt' ? await keyPair(alg) : undefined;
    const registered = await this.world.client({
      scope: [...IDENTITY, 'read', 'write'].join(' '),
      token_endpoint_auth_method: method,
      bearer: true,
      ...(keys && { jwks: { keys: [keys.jwk] } }),
      ...file,
    });
    return { ...registered, ...keys };
  }

  /** An agent with everything that agents can have, bound to a fresh key. */
  async agent(id) {
    const { privateKey, jwk } = await keyPair('ES256');
    const details = Object.values(await examples());
    await this.world.add('agent', {
      client_id: id,
      client_name: 'Helper',
      profile: 'agent',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', EXCHANGE, CIBA, DEVICE],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      scope: 'read',
      dpop_bound_access_tokens: true,
      authorization_details_types: Object.keys(await examples()),
      agent: {
        owner: PERSON.username,
        sponsor: PERSON.username,
        publisher: 'Acme',
        ceiling: { scopes: [{ resource: API, scope: 'read' }], authorization_details: details, lifetime: 3600 },
        onward: { agents: [], depth: 1 },
        may_ask: [PERSON.username],
      },
    });
    return new Application(this.as, { client_id: id }, oauth.PrivateKeyJwt({ key: privateKey, kid: jwk.kid })).bind();
  }

  /** What a pushed request of an agent leads to. */
  async pushed(agent, more) {
    const landed = await new Browser().approve(await agent.push({ resource: API, ...more }), PERSON);
    return agent.redeem(agent.checked(landed));
  }

  /** What a plain request leads to. */
  async tokens(application, changes = { scope: 'read', resource: API }, more = {}) {
    return application.redeem(await application.approved(changes), more);
  }
}

/** An example of each type that is registered, aimed at the API. */
export async function examples() {
  const found = {};
  for (const name of ['payment', 'calendar', 'mcp_tool_call']) {
    const { example } = JSON.parse(await readFile(resolve(TYPES, `${name}.json`), 'utf8'));
    const { ref: _ref, type_hash: _hash, ...asked } = example;
    found[name] = { ...asked, locations: [API] };
  }
  return found;
}

/** One request of a grant of its own, once more where a nonce is wanted; answers what the token endpoint says. */
export async function granted(application, type, parameters) {
  const { as, client, authentication, options } = application;
  const send = () => oauth.genericTokenEndpointRequest(as, client, authentication, type, parameters, options);
  const take = (response) => oauth.processGenericTokenEndpointResponse(as, client, response);
  try {
    return await take(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return take(await send());
  }
}

export function isToken(answer, audience = API) {
  assert.equal(typeof answer.access_token, 'string');
  const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url'));
  assert.equal(claims.aud, audience);
  return claims;
}
