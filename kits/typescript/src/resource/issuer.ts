/**
 * The issuer's keys and endpoints, from its metadata (RFC 8414 section 3, RFC 7517 section 5): cached, rotated, and asked for at
 * most once in ten seconds, whatever tokens are presented.
 */

import { importJWK, type JWK } from 'jose';

import type { Clock } from '../shared/clock.js';
import { type Fetch, isObject, type JsonObject, send } from '../shared/http.js';
import { isSafeUrl, wellKnown } from '../shared/urls.js';
import { Refusal, SIGNING_ALGORITHMS } from './rejection.js';

/** After this the keys are fetched again. */
const KEYS_LIFETIME = 300;
/** After this keys that could not be fetched again are good for nothing. */
const MAX_KEYS_STALENESS = 3600;
const MIN_FETCH_INTERVAL = 10;
const FETCH_TIMEOUT = 5_000;
const MAX_KEYS = 100;

export interface PublishedKey {
  key: Awaited<ReturnType<typeof importJWK>>;
  algorithm: string;
}

export interface Published {
  keys: Map<string, PublishedKey>;
  introspectionEndpoint: string | undefined;
  fetchedAt: number;
}

export class Issuer {
  #published: Published | undefined;
  #triedAt: number | undefined;
  #failure: unknown;
  #fetching: Promise<void> | undefined;

  constructor(
    readonly issuer: string,
    readonly fetch: Fetch,
    readonly clock: Clock,
  ) {}

  /** Fresh, or at most an hour old while the issuer cannot be reached. */
  async published(): Promise<Published> {
    const usable = this.#usable();
    if (usable !== undefined) {
      // Old keys are still good while one request fetches new ones.
      if (!this.#isYounger(usable, KEYS_LIFETIME) && this.#fetching === undefined) await this.#fetchOnce();
    } else {
      await this.#fetchOnce();
    }
    const found = this.#usable();
    if (found === undefined) throw this.#unavailable();
    return found;
  }

  /** Again, because a token names a key that is not among `known`. */
  async publishedAfter(known: Published): Promise<Published> {
    if (this.#published === known) await this.#fetchOnce();
    if (this.#published === known && this.#failure !== undefined) throw this.#unavailable();
    return this.#published ?? known;
  }

  #usable(): Published | undefined {
    const found = this.#published;
    return found !== undefined && this.#isYounger(found, MAX_KEYS_STALENESS) ? found : undefined;
  }

  /** A clock that went backwards knows nothing. */
  #isYounger(published: Published, than: number): boolean {
    const age = this.clock.now() - published.fetchedAt;
    return age >= 0 && age < than;
  }

  #unavailable(): Refusal {
    return new Refusal('unavailable', "the issuer's keys cannot be fetched: try again", { cause: this.#failure });
  }

  #fetchOnce(): Promise<void> {
    const now = this.clock.now();
    const since = this.#triedAt === undefined ? undefined : now - this.#triedAt;
    if (this.#fetching === undefined) {
      if (since !== undefined && since >= 0 && since < MIN_FETCH_INTERVAL) return Promise.resolve();
      this.#triedAt = now;
      this.#fetching = this.#read(now)
        .then(
          (published) => {
            this.#published = published;
            this.#failure = undefined;
          },
          (failure: unknown) => {
            this.#failure = failure;
          },
        )
        .finally(() => {
          this.#fetching = undefined;
        });
    }
    return this.#fetching;
  }

  async #read(now: number): Promise<Published> {
    const url = wellKnown('oauth-authorization-server', this.issuer);
    if (url === undefined) throw new Error('the issuer is no URL');
    const metadata = await this.#document(url);
    if (metadata.issuer !== this.issuer) throw new Error('the metadata is of another issuer');
    const { jwks_uri: jwksUri, introspection_endpoint: introspection } = metadata;
    if (!this.#mayCall(jwksUri) || (introspection !== undefined && !this.#mayCall(introspection))) {
      throw new Error('the metadata names an endpoint that is not https');
    }
    const keys = await usableKeys(await this.#document(jwksUri as string));
    return { keys, introspectionEndpoint: introspection as string | undefined, fetchedAt: now };
  }

  async #document(url: string): Promise<JsonObject> {
    const { status, body } = await send(this.fetch, url, { method: 'GET', patience: FETCH_TIMEOUT });
    if (status !== 200 || body === undefined)
      throw new Error(`the answer's status is ${status}, or it is no JSON object`);
    return body;
  }

  /** Plain http only where the issuer itself is on loopback: a document must not send us into an internal network. */
  #mayCall(url: unknown): url is string {
    return typeof url === 'string' && isSafeUrl(url) && (this.issuer.startsWith('http:') || url.startsWith('https:'));
  }
}

/** Keys for other purposes or of other algorithms are passed over: tokens that name them are refused. */
async function usableKeys(jwks: JsonObject): Promise<Map<string, PublishedKey>> {
  const listed = Array.isArray(jwks.keys) ? jwks.keys : [];
  if (listed.length > MAX_KEYS) throw new Error(`the key set has more than ${MAX_KEYS} keys`);
  const keys = new Map<string, PublishedKey>();
  for (const jwk of listed) {
    if (!isObject(jwk) || typeof jwk.kid !== 'string' || (jwk.use !== undefined && jwk.use !== 'sig')) continue;
    const algorithm = algorithmOf(jwk);
    if (algorithm === undefined) continue;
    if (keys.has(jwk.kid)) throw new Error('the key set has two keys of one `kid`');
    keys.set(jwk.kid, { key: await importJWK({ ...(jwk as JWK), alg: algorithm }), algorithm });
  }
  if (keys.size === 0) throw new Error('the key set has no key that can be used');
  return keys;
}

function algorithmOf(jwk: JsonObject): string | undefined {
  const byType =
    jwk.kty === 'EC' && jwk.crv === 'P-256'
      ? 'ES256'
      : jwk.kty === 'OKP' && jwk.crv === 'Ed25519'
        ? 'EdDSA'
        : jwk.kty === 'RSA' && jwk.alg === 'PS256'
          ? 'PS256'
          : undefined;
  const known = SIGNING_ALGORITHMS.find((one) => one === byType);
  return jwk.alg === undefined || jwk.alg === known || (jwk.alg === 'Ed25519' && known === 'EdDSA') ? known : undefined;
}
