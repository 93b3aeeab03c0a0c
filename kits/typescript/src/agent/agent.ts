/** An agent that acts for people: it signs who it is (RFC 7523), its tokens are bound to a key (RFC 9449), and people are asked. */

import { SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';

import { systemClock } from '../shared/clock.js';
import { UsageError } from '../shared/errors.js';
import { type Fetch, isObject, type JsonObject } from '../shared/http.js';
import type { Secret } from '../shared/secret.js';
import { isSafeUrl, originOf } from '../shared/urls.js';
import { type Confirm, PendingConfirmation } from './confirmation.js';
import { ProtocolError, ResourceRefused, translated } from './errors.js';
import { Grant, parametersOf, type RequestedAccess } from './grant.js';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const MAX_ACTOR_ASSERTION_LIFETIME = 120;

export interface AgentConfig {
  clientId: string;
  /** Says who the agent is: its public half is registered, with this `kid`. */
  assertion: { key: CryptoKey; kid: string };
  /** Holds its tokens: never registered. */
  dpop: CryptoKeyPair;
  fetch?: Fetch;
}

export interface AuthorizationIntent extends RequestedAccess {
  redirectUri: string;
  /** What the task is for, in the agent's words; where the server takes it. */
  purpose?: string;
  acrValues?: string;
}

/** The person has to open `url`; `complete` takes the URL that the browser comes back to. */
export interface PendingAuthorization {
  url: string;
  complete(callbackUrl: string, resource?: string): Promise<Grant>;
}

type Send = () => Promise<Response>;
type Process = (response: Response) => Promise<Readonly<Record<string, unknown>>>;

export class Agent {
  readonly #as: oauth.AuthorizationServer;
  readonly #config: AgentConfig;
  readonly #client: oauth.Client;
  readonly #dpop: oauth.DPoPHandle;
  readonly #options: Outside;

  private constructor(as: oauth.AuthorizationServer, config: AgentConfig) {
    this.#as = as;
    this.#config = config;
    this.#client = { client_id: config.clientId };
    this.#dpop = oauth.DPoP(this.#client, config.dpop);
    this.#options = outside(as.issuer, config.fetch);
  }

  /** Finds the server by its metadata (RFC 8414). */
  static async discover(issuer: string, config: AgentConfig): Promise<Agent> {
    if (!isSafeUrl(issuer)) throw new UsageError('`issuer` is not an https URL (http only on loopback)');
    try {
      const url = new URL(issuer);
      const found = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...outside(issuer, config.fetch) });
      return new Agent(await oauth.processDiscoveryResponse(url, found), config);
    } catch (error) {
      throw translated(error);
    }
  }

  get issuer(): string {
    return this.#as.issuer;
  }

  /** Pushes the request (RFC 9126, PKCE); the person opens the URL. */
  async authorize(intent: AuthorizationIntent): Promise<PendingAuthorization> {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const goal = intent.purpose;
    const parameters = {
      response_type: 'code',
      redirect_uri: intent.redirectUri,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      ...parametersOf(intent),
      ...(intent.acrValues === undefined ? {} : { acr_values: intent.acrValues }),
      ...(goal === undefined ? {} : { mission_intent: JSON.stringify({ intent: { goal } }) }),
    };
    const pushed = await this.#ask(
      () => oauth.pushedAuthorizationRequest(this.#as, this.#client, this.#assertion(), parameters, this.#bound()),
      (response) => oauth.processPushedAuthorizationResponse(this.#as, this.#client, response),
    );
    const url = new URL(this.#as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: this.#config.clientId,
      request_uri: String(pushed.request_uri),
    }).toString();
    const { redirectUri } = intent;
    return { url: url.href, complete: (at, resource) => this.#redeem(at, { state, verifier, redirectUri, resource }) };
  }

  async #redeem(
    callbackUrl: string,
    sent: { state: string; verifier: string; redirectUri: string; resource: string | undefined },
  ): Promise<Grant> {
    let callback: URLSearchParams;
    try {
      callback = oauth.validateAuthResponse(this.#as, this.#client, new URL(callbackUrl), sent.state);
    } catch (error) {
      throw translated(error);
    }
    const also = sent.resource === undefined ? {} : { additionalParameters: { resource: sent.resource } };
    const { redirectUri, verifier } = sent;
    return this.#grant(() => {
      const options = { ...this.#bound(), ...also };
      const assertion = this.#assertion();
      return oauth.authorizationCodeGrantRequest(
        this.#as,
        this.#client,
        assertion,
        callback,
        redirectUri,
        verifier,
        options,
      );
    });
  }

  /** For any resource of the grant, or narrower. */
  async refresh(grant: Grant, ask: RequestedAccess = {}): Promise<Grant> {
    const token = grant.refreshToken;
    if (token === undefined) throw new UsageError('this grant has no refresh token');
    return this.#grant(() => {
      const options = { ...this.#bound(), additionalParameters: parametersOf(ask) };
      return oauth.refreshTokenGrantRequest(this.#as, this.#client, this.#assertion(), token.expose(), options);
    });
  }

  /** The agent's own work: nobody is asked. */
  async own(ask: RequestedAccess): Promise<Grant> {
    return this.#generic('client_credentials', parametersOf(ask));
  }

  /** Less authority, or another resource, with the same key (RFC 8693). */
  async narrow(grant: Grant, ask: RequestedAccess): Promise<Grant> {
    return this.#generic(TOKEN_EXCHANGE, { ...subjectOf(grant), ...parametersOf(ask) });
  }

  /** Made by the agent that is to receive a token: lets `presenter`, and nobody else, have one bound to this agent's key, once. */
  async actorAssertion(presenter: string, lifetime = 60): Promise<string> {
    const { clientId, assertion } = this.#config;
    if (presenter === '' || presenter === clientId) throw new UsageError('the presenter is another agent');
    if (!(lifetime >= 1 && lifetime <= MAX_ACTOR_ASSERTION_LIFETIME)) {
      throw new UsageError('an actor assertion lives 1 to 120 seconds');
    }
    const now = systemClock.now();
    return new SignJWT({ azp: presenter, cnf: { jkt: await this.#dpop.calculateThumbprint() } })
      .setProtectedHeader({ alg: algorithmOf(assertion.key), typ: 'writ-actor+jwt', kid: assertion.kid })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(this.#as.issuer)
      .setJti(crypto.randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + lifetime)
      .sign(assertion.key);
  }

  /** Token exchange to another agent: the text of a token that is bound to the other's key, which `accept` takes. */
  async delegate(grant: Grant, actorAssertion: string, ask: RequestedAccess = {}): Promise<Secret> {
    const actor = { actor_token: actorAssertion, actor_token_type: JWT };
    const handed = await this.#generic(TOKEN_EXCHANGE, { ...subjectOf(grant), ...actor, ...parametersOf(ask) });
    return handed.accessToken;
  }

  /** Made by the agent that received: whether the token is meant for its key. A resource decides whether it is genuine. */
  async accept(accessToken: string): Promise<Grant> {
    const claims = claimsOf(accessToken);
    const { cnf } = claims;
    if (!isObject(cnf) || cnf.jkt !== (await this.#dpop.calculateThumbprint())) {
      throw new ProtocolError('the token is bound to another key');
    }
    const { scope, exp, authorization_details: details } = claims;
    const now = systemClock.now();
    const life = typeof exp === 'number' ? exp - now : undefined;
    const answer = {
      access_token: accessToken,
      token_type: 'DPoP',
      scope,
      authorization_details: details,
      expires_in: life,
    };
    return Grant.of(answer, now);
  }

  /** Asks the person of the grant, within its task, for exactly this (CIBA). */
  async confirm(grant: Grant, ask: Confirm): Promise<PendingConfirmation> {
    const parameters = {
      login_hint: String(claimsOf(grant.accessToken.expose()).sub),
      ...subjectOf(grant),
      ...parametersOf(ask),
      ...(ask.bindingMessage === undefined ? {} : { binding_message: ask.bindingMessage }),
    };
    const endpoint = new URL(this.#as.backchannel_authentication_endpoint ?? '');
    const asked = await this.#ask(
      async () => {
        const headers = new Headers({ dpop: await this.#proof(endpoint) });
        const options = { ...this.#options, headers };
        const assertion = this.#assertion();
        const response = await oauth.backchannelAuthenticationRequest(
          this.#as,
          this.#client,
          assertion,
          parameters,
          options,
        );
        this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce;
        return response;
      },
      (response) => oauth.processBackchannelAuthenticationResponse(this.#as, this.#client, response),
    );
    return new PendingConfirmation(asked, (id, wait) =>
      this.#grant(() => {
        const options = { ...this.#bound(), headers: new Headers({ prefer: `wait=${wait}` }) };
        return oauth.backchannelAuthenticationGrantRequest(this.#as, this.#client, this.#assertion(), id, options);
      }),
    );
  }

  /** A request to a resource, with token, proof and nonces; a refusal is thrown as `ResourceRefused`. */
  async call(
    grant: Grant,
    url: string,
    init: { method?: string; headers?: HeadersInit; body?: string } = {},
  ): Promise<Response> {
    const target = new URL(url);
    if (!isSafeUrl(target.origin)) throw new UsageError('tokens go only to https, or to loopback');
    const send = () =>
      oauth.protectedResourceRequest(
        grant.accessToken.expose(),
        init.method ?? 'GET',
        target,
        new Headers(init.headers),
        init.body,
        { DPoP: this.#dpop, ...outside(target.origin, this.#config.fetch) },
      );
    try {
      return await send().catch((error: unknown) => {
        if (oauth.isDPoPNonceError(error)) return send();
        throw error;
      });
    } catch (error) {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw translated(error);
      throw new ResourceRefused(error.status, { ...error.cause[0]?.parameters }, error.response);
    }
  }

  #generic(grantType: string, parameters: Record<string, string>): Promise<Grant> {
    return this.#grant(() =>
      oauth.genericTokenEndpointRequest(
        this.#as,
        this.#client,
        this.#assertion(),
        grantType,
        parameters,
        this.#bound(),
      ),
    );
  }

  async #grant(send: Send): Promise<Grant> {
    const process: Process = (response) => oauth.processGenericTokenEndpointResponse(this.#as, this.#client, response);
    return Grant.of(await this.#ask(send, process), systemClock.now());
  }

  /** A nonce challenge is answered once, with a fresh proof and a fresh assertion. */
  async #ask(send: Send, process: Process): Promise<Readonly<Record<string, unknown>>> {
    try {
      return await process(await send());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw translated(error);
    }
    try {
      return await process(await send());
    } catch (error) {
      throw translated(error);
    }
  }

  /** Its audience is the issuer alone. */
  #assertion(): oauth.ClientAuth {
    return oauth.PrivateKeyJwt(this.#config.assertion, {
      [oauth.modifyAssertion]: (header, payload) => {
        header.typ = 'client-authentication+jwt';
        payload.aud = this.#as.issuer;
      },
    });
  }

  #bound() {
    return { DPoP: this.#dpop, ...this.#options };
  }

  #nonce: string | undefined;

  /** For the one endpoint where the library makes none. */
  async #proof(url: URL): Promise<string> {
    const { publicKey, privateKey } = this.#config.dpop;
    const { kty, crv, x, y, e, n } = await crypto.subtle.exportKey('jwk', publicKey);
    const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, e, n })) as JsonObject;
    const nonce = this.#nonce === undefined ? {} : { nonce: this.#nonce };
    return new SignJWT({ htm: 'POST', htu: url.origin + url.pathname, ...nonce })
      .setProtectedHeader({ alg: algorithmOf(privateKey), typ: 'dpop+jwt', jwk })
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .sign(privateKey);
  }
}

function subjectOf(grant: Grant): Record<string, string> {
  return { subject_token: grant.accessToken.expose(), subject_token_type: ACCESS_TOKEN };
}

interface Outside {
  [oauth.allowInsecureRequests]: boolean;
  [oauth.customFetch]?: (
    url: string,
    init: oauth.CustomFetchOptions<string, oauth.ProtectedResourceRequestBody>,
  ) => Promise<Response>;
}

/** Plain http only where the server itself is on loopback. */
function outside(url: string, fetch: Fetch | undefined): Outside {
  const options: Outside = { [oauth.allowInsecureRequests]: originOf(url)?.startsWith('http:') ?? false };
  if (fetch !== undefined) options[oauth.customFetch] = (to, init) => fetch(to, init as RequestInit);
  return options;
}

function algorithmOf({ algorithm }: CryptoKey): string {
  return algorithm.name === 'ECDSA' ? 'ES256' : algorithm.name === 'RSA-PSS' ? 'PS256' : 'EdDSA';
}

function claimsOf(token: string): JsonObject {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (isObject(claims)) return claims;
  } catch {
    // The same as what is no object.
  }
  throw new ProtocolError('this is no access token');
}
