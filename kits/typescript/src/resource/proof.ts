/** DPoP proofs: checks 2 to 12 of RFC 9449 section 4.3. Whoever accepts one claims its replay digest afterwards. */

import { createHash } from 'node:crypto';

import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose';

import { isObject, type JsonObject } from '../shared/http.js';
import { htu } from '../shared/urls.js';
import { MalformedJwt, parseJwt, typIs } from './jwt.js';
import type { Nonces } from './nonces.js';
import { Refusal, SIGNING_ALGORITHMS } from './rejection.js';

const MAX_AGE = 60;
/** Where the proof holds a nonce of ours, the nonce bounds its age as well. */
const MAX_AGE_WITH_NONCE = 300;
const MAX_FUTURE = 10;
const MAX_JTI_BYTES = 256;

export interface ProofContext {
  method: string;
  /** Normalised by `htu`. */
  url: string;
  accessToken: string;
  nonces: Nonces | undefined;
  now: number;
}

export interface Proof {
  thumbprint: string;
  replayDigest: string;
  acceptedUntil: number;
}

export async function verifyProof(text: string, context: ProofContext): Promise<Proof> {
  const { header, claims } = read(text);
  const thumbprint = await verifySignature(text, header);
  const { jti, iat } = checkClaims(claims, context);
  const maxAge = context.nonces === undefined ? MAX_AGE : MAX_AGE_WITH_NONCE;
  if (iat > context.now + MAX_FUTURE) throw invalid('its `iat` is in the future');
  if (context.now > iat + maxAge) throw invalid('it is too old: sign a new one for each request');
  const { nonce } = claims;
  if (context.nonces !== undefined && !(typeof nonce === 'string' && context.nonces.accepts(nonce, context.now))) {
    throw new Refusal('use_nonce');
  }
  const replayDigest = createHash('sha256').update(`dpop\0${thumbprint}\0${jti}`).digest('base64url');
  // The clocks of several processes may differ.
  return { thumbprint, replayDigest, acceptedUntil: iat + maxAge + MAX_FUTURE };
}

export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function read(text: string) {
  try {
    return parseJwt(text);
  } catch (cause) {
    if (cause instanceof MalformedJwt) throw invalid(cause.message);
    throw cause;
  }
}

async function verifySignature(text: string, header: JsonObject): Promise<string> {
  if (!typIs(header, 'dpop+jwt')) throw invalid('its `typ` is not `dpop+jwt`');
  const algorithm = SIGNING_ALGORITHMS.find((one) => one === header.alg);
  if (algorithm === undefined) throw invalid('its `alg` is not ES256, EdDSA or PS256');
  const { jwk } = header;
  if (!isObject(jwk)) throw invalid('its header has no `jwk`');
  if (['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].some((member) => member in jwk))
    throw invalid('its `jwk` is no public key');
  try {
    const { alg: _, ...members } = jwk as JWK;
    const key = await importJWK({ ...members, alg: algorithm });
    await compactVerify(text, key, { algorithms: [algorithm] });
    return await calculateJwkThumbprint(members);
  } catch {
    throw invalid('its signature does not verify by its `jwk`');
  }
}

function checkClaims(claims: JsonObject, context: ProofContext): { jti: string; iat: number } {
  const { jti, htm, iat, ath } = claims;
  if (typeof jti !== 'string' || jti === '' || Buffer.byteLength(jti) > MAX_JTI_BYTES) {
    throw invalid(`its \`jti\` must have 1 to ${MAX_JTI_BYTES} bytes`);
  }
  if (typeof iat !== 'number' || !Number.isSafeInteger(iat)) throw invalid('it has no `iat`');
  if (htm !== context.method) throw invalid(`its \`htm\` is not \`${context.method}\``);
  if (typeof claims.htu !== 'string' || htu(claims.htu) !== context.url) {
    throw invalid(`its \`htu\` is not \`${context.url}\``);
  }
  if (ath !== tokenHash(context.accessToken)) throw invalid('its `ath` is not the hash of this access token');
  return { jti, iat };
}

function invalid(sentence: string): Refusal {
  return new Refusal('proof', `the DPoP proof is refused: ${sentence}`);
}
