/**
 * The checks of one request in their order: token, proof, chain and task, replay claim, introspection (RFC 9068 section 4, RFC 9449
 * section 7.1). A request without a valid nonce does not use up its proof.
 */

import { compactVerify } from 'jose';

import { type Clock, systemClock } from '../shared/clock.js';
import { UsageError } from '../shared/errors.js';
import type { Fetch, JsonObject } from '../shared/http.js';
import { Secret } from '../shared/secret.js';
import { htu, isSafeUrl, originOf, wellKnown } from '../shared/urls.js';
import { Caller, checkShape, keyOf, type Presented } from './caller.js';
import {
  type Credentials,
  type NodeRequest,
  type RequestView,
  readCredentials,
  readProof,
  viewOf,
} from './credentials.js';
import { Issuer, type Published } from './issuer.js';
import { MalformedJwt, parseJwt, typIs } from './jwt.js';
import { Introspection } from './live.js';
import { Nonces } from './nonces.js';
import { verifyProof } from './proof.js';
import { type Challenger, Refusal, Rejection, SIGNING_ALGORITHMS } from './rejection.js';
import { MemoryReplays, type ReplayStore } from './replays.js';

const MAX_FUTURE = 10;

export interface VerifierConfig {
  /** Exactly as the issuer's metadata and tokens say it. */
  issuer: string;
  /** The one audience that is accepted. */
  resource: string;
  /** Scheme, host and path prefix under which clients reach this server, by default the origin of `resource`; `Host` and forwarded headers never count. */
  publicUrl?: string;
  /** Refuses tokens of clients that are no agents. */
  agentsOnly?: boolean;
  /** `allow` takes bearer tokens of plain clients and guests; an agent's token is always bound to a key. */
  bearer?: 'refuse' | 'allow';
  /** `shared`: a secret that several processes have; they also share a `replays`. `off` needs a `replays` as well. */
  nonces?: 'required' | 'off' | { shared: Uint8Array };
  /** Where used proofs are remembered; by default in this process. */
  replays?: ReplayStore;
  /** Asks the issuer about each token; an answer counts `cache` seconds. */
  live?: { clientId: string; clientSecret: string; cache?: 0 | 1 };
  fetch?: Fetch;
  clock?: Clock;
}

/** Verifies the tokens of one issuer for one resource. */
export class Verifier {
  readonly resource: string;
  readonly issuer: string;
  readonly #publicUrl: string;
  readonly #agentsOnly: boolean;
  readonly #challenger: Challenger;
  readonly #nonces: Nonces | undefined;
  readonly #replays: ReplayStore;
  readonly #live: Introspection | undefined;
  readonly #keys: Issuer;
  readonly #clock: Clock;

  /** Makes no request yet. */
  constructor(config: VerifierConfig) {
    const { issuer, resource, nonces = 'required' } = config;
    const publicUrl = config.publicUrl ?? originOf(resource) ?? '';
    if (!isSafeUrl(issuer)) throw new UsageError('`issuer` is not an https URL (http only on loopback)');
    if (!isSafeUrl(publicUrl) || htu(publicUrl) === undefined) {
      throw new UsageError('`publicUrl` is not an https URL (http only on loopback) without query and fragment');
    }
    if (config.replays === undefined && nonces !== 'required') {
      throw new UsageError('a replay memory that is lost with the process needs its own nonces: give `replays`');
    }
    const fetch = config.fetch ?? globalThis.fetch;
    this.#clock = config.clock ?? systemClock;
    this.resource = resource;
    this.issuer = issuer;
    this.#publicUrl = publicUrl.replace(/\/+$/, '');
    this.#agentsOnly = config.agentsOnly ?? false;
    this.#challenger = {
      realm: resource,
      metadataUrl: wellKnown('oauth-protected-resource', resource),
      bearer: config.bearer ?? 'refuse',
    };
    this.#nonces =
      nonces === 'off' ? undefined : new Nonces(resource, nonces === 'required' ? undefined : nonces.shared);
    this.#replays = config.replays ?? new MemoryReplays();
    this.#keys = new Issuer(issuer, fetch, this.#clock);
    const { live } = config;
    this.#live =
      live && new Introspection(live.clientId, new Secret(live.clientSecret), live.cache ?? 1, fetch, this.#clock);
  }

  /** The caller of this request; throws a `Rejection`. Uses up the request's proof: call it once for each request. */
  async verify(request: Request | NodeRequest | RequestView): Promise<Caller> {
    const view = viewOf(request);
    let credentials: Credentials | undefined;
    try {
      credentials = readCredentials(view);
      return await this.#accept(credentials, view);
    } catch (refusal) {
      throw this.#reject(refusal, credentials);
    }
  }

  /** The caller of a bearer token alone, for servers that hand over no request. Bound tokens are refused: they need their proof. */
  async verifyBearer(token: string): Promise<Caller> {
    return this.verify({ method: 'GET', url: '/', headers: { authorization: `Bearer ${token}` } });
  }

  /** The document of RFC 9728, to be served at `metadataUrl` to everybody. */
  resourceMetadata(also: { scopes?: string[]; types?: string[]; name?: string } = {}): JsonObject {
    return {
      resource: this.resource,
      authorization_servers: [this.issuer],
      ...(also.name === undefined ? {} : { resource_name: also.name }),
      ...(also.scopes === undefined ? {} : { scopes_supported: also.scopes }),
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: [...SIGNING_ALGORITHMS],
      dpop_bound_access_tokens_required: this.#challenger.bearer === 'refuse',
      ...(also.types === undefined ? {} : { authorization_details_types_supported: also.types }),
    };
  }

  get metadataUrl(): string | undefined {
    return this.#challenger.metadataUrl;
  }

  #reject(refusal: unknown, credentials: Credentials | undefined): unknown {
    if (!(refusal instanceof Refusal)) return refusal;
    const nonce = refusal.reason === 'use_nonce' ? this.#nonces?.issue(this.#clock.now()) : undefined;
    return new Rejection(refusal, this.#challenger, credentials?.scheme, nonce === undefined ? {} : { nonce });
  }

  async #accept({ scheme, token }: Credentials, view: RequestView): Promise<Caller> {
    if (scheme === 'Bearer' && this.#challenger.bearer === 'refuse') throw new Refusal('bearer_refused');
    const now = this.#clock.now();
    const { claims, published } = await this.#token(token, now);
    const { proof, presented } = await this.#proof({ scheme, token }, claims, view);
    const caller = new Caller(claims, presented, { challenger: this.#challenger, scheme, now });
    if (this.#agentsOnly && caller.agent === undefined) throw new Refusal('not_an_agent');
    if (proof !== undefined) await this.#claim(proof.replayDigest, proof.acceptedUntil);
    await this.#live?.check(token, claims, published.introspectionEndpoint);
    return caller;
  }

  /** Type, signature, issuer, time and audience. */
  async #token(token: string, now: number): Promise<{ claims: JsonObject; published: Published }> {
    const { header, claims } = readToken(token);
    if (!typIs(header, 'at+jwt')) throw new Refusal('wrong_type');
    const { kid } = header;
    if (typeof kid !== 'string') throw new Refusal('no_key');
    let published = await this.#keys.published();
    if (!published.keys.has(kid)) published = await this.#keys.publishedAfter(published);
    const found = published.keys.get(kid);
    if (found === undefined) throw new Refusal('unknown_key');
    if (header.alg !== found.algorithm) throw new Refusal('bad_signature');
    await compactVerify(token, found.key, { algorithms: [found.algorithm] }).catch(() => {
      throw new Refusal('bad_signature');
    });
    checkClaims(claims, this.issuer, now);
    if (claims.aud !== this.resource) throw new Refusal('wrong_audience');
    checkShape(claims);
    return { claims, published };
  }

  async #proof({ scheme, token }: Credentials, claims: JsonObject, view: RequestView) {
    const presented: Presented = { token: new Secret(token), dpop: undefined };
    if (scheme === 'Bearer') {
      if (claims.cnf !== undefined) throw new Refusal('bound_token_as_bearer');
      return { proof: undefined, presented };
    }
    if (claims.cnf === undefined) throw new Refusal('unbound_token');
    const text = readProof(view);
    const [path = '/'] = view.url.split('?');
    const url = htu(`${this.#publicUrl}${path.startsWith('/') ? '' : '/'}${path}`);
    if (url === undefined) throw new Refusal('proof', "no DPoP proof can name this request's URL");
    const { method } = view;
    const proof = await verifyProof(text, {
      method,
      url,
      accessToken: token,
      nonces: this.#nonces,
      now: this.#clock.now(),
    });
    if (proof.thumbprint !== keyOf(claims)) throw new Refusal('wrong_key');
    presented.dpop = { proof: new Secret(text), htm: method, htu: url };
    return { proof, presented };
  }

  async #claim(digest: string, until: number): Promise<void> {
    let claimed: boolean;
    try {
      claimed = await this.#replays.claim(digest, until, this.#clock.now());
    } catch (cause) {
      throw new Refusal('unavailable', 'used proofs cannot be remembered: try again', { cause });
    }
    if (!claimed) throw new Refusal('proof_replayed');
  }
}

function readToken(token: string) {
  try {
    const read = parseJwt(token);
    if (!SIGNING_ALGORITHMS.some((one) => one === read.header.alg)) throw new MalformedJwt('its `alg` is not accepted');
    return read;
  } catch (cause) {
    if (cause instanceof MalformedJwt)
      throw new Refusal('malformed_token', `the access token is malformed: ${cause.message}`);
    throw cause;
  }
}

function checkClaims(claims: JsonObject, issuer: string, now: number): void {
  for (const name of ['iss', 'aud', 'client_id', 'jti', 'sub']) {
    if (typeof claims[name] !== 'string') throw new Refusal('malformed_token', `the access token has no \`${name}\``);
  }
  const { iss, exp, iat } = claims;
  if (!Number.isSafeInteger(exp) || !Number.isSafeInteger(iat)) {
    throw new Refusal('malformed_token', 'the access token has no `exp` or `iat`');
  }
  if (iss !== issuer) throw new Refusal('wrong_issuer');
  if (now >= (exp as number)) throw new Refusal('expired');
  if ((iat as number) > now + MAX_FUTURE) throw new Refusal('not_yet');
}
