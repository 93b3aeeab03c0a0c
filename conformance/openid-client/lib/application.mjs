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

export class Application {
  #issuer;
  #keys;

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
    return client.getDPoPHandle(this.config, await client.randomDPoPKeyPair('ES256'));
  }

  /** Thumbprint of the DPoP key (RFC 7638). */
  thumbprint(handle = this.DPoP) {
    return handle.calculateThumbprint();
  }

  /** Actor assertion (DESIGN 6): this agent lets `presenter` bind a token to its DPoP key. */
  async actorAssertion(presenter, changes = {}) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.clientId,
      sub: this.clientId,
      aud: this.#issuer,
      azp: presenter.clientId,
      cnf: { jkt: await this.thumbprint() },
      iat: now,
      exp: now + ASSERTION_LIFETIME,
      jti: crypto.randomUUID(),
      ...changes,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'writ-actor+jwt', kid: this.#keys.kid })
      .sign(this.#keys.privateKey);
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
