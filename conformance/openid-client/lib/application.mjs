// An application that uses openid-client: its keys, and its view of the server.

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as client from 'openid-client';

const ASSERTION_LIFETIME = 60;

/** An ES256 pair for assertions, and its public half as a registered key set. */
export async function newKeys() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, kid, jwks: { keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] } };
}

const now = () => Math.floor(Date.now() / 1000);

export class Application {
  #issuer;
  #keys;
  #pairs = new WeakMap();

  constructor(issuer, clientId, keys) {
    this.#issuer = issuer;
    this.clientId = clientId;
    this.#keys = keys;
  }

  /** Discovers the server, and makes a fresh DPoP key. */
  async connect() {
    const { privateKey: key, kid } = this.#keys;
    this.answers = new Answers();
    this.config = await discover(
      this.#issuer,
      this.clientId,
      undefined,
      client.PrivateKeyJwt({ key, kid }),
      this.answers,
    );
    this.DPoP = await this.newProofKey();
    return this;
  }

  /** Another DPoP key of this application. */
  async newProofKey() {
    const pair = await client.randomDPoPKeyPair('ES256');
    const handle = client.getDPoPHandle(this.config, pair);
    this.#pairs.set(handle, pair);
    return handle;
  }

  /** A DPoP proof (RFC 9449 section 4.2) for an endpoint where openid-client sends none. */
  async proof(htm, htu, nonce, handle = this.DPoP) {
    const { privateKey, publicKey } = this.#pairs.get(handle);
    const { kty, crv, x, y } = await exportJWK(publicKey);
    const claims = { htm, htu, iat: now(), jti: crypto.randomUUID(), ...(nonce && { nonce }) };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })
      .sign(privateKey);
  }

  /** Parameters that authenticate the client (RFC 7523 section 2.2). */
  async authentication() {
    const { clientId } = this;
    const claims = { iss: clientId, sub: clientId, aud: this.#issuer, jti: crypto.randomUUID() };
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await this.sign('JWT', { ...claims, iat: now(), exp: now() + ASSERTION_LIFETIME }),
    };
  }

  /** Signed by the registered key. */
  sign(typ, claims) {
    const { privateKey, kid } = this.#keys;
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, kid }).sign(privateKey);
  }

  /** Thumbprint of the DPoP key (RFC 7638). */
  thumbprint(handle = this.DPoP) {
    return handle.calculateThumbprint();
  }

  /** Actor assertion (docs/exchange.md): this agent lets `presenter` bind a token to its DPoP key. */
  async actorAssertion(presenter, changes = {}) {
    return this.sign('writ-actor+jwt', {
      iss: this.clientId,
      sub: this.clientId,
      aud: this.#issuer,
      azp: presenter.clientId,
      cnf: { jkt: await this.thumbprint() },
      iat: now(),
      exp: now() + ASSERTION_LIFETIME,
      jti: crypto.randomUUID(),
      ...changes,
    });
  }
}

/** Counts nonce challenges that openid-client met and answered by itself. */
class Answers {
  nonceChallenges = 0;

  observe(answer) {
    if (!answer.ok && answer.headers.has('dpop-nonce')) this.nonceChallenges += 1;
    return answer;
  }
}

/** Discovery with plain http allowed, which the server takes on loopback only. */
export function discover(issuer, clientId, metadata, authentication, answers = new Answers()) {
  return client.discovery(new URL(issuer), clientId, metadata, authentication, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
    [client.customFetch]: async (url, options) => answers.observe(await fetch(url, options)),
  });
}
