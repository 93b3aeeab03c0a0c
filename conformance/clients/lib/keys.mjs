// Keys of clients.

import { calculateJwkThumbprint, exportJWK } from 'jose';
import * as oauth from 'oauth4webapi';

/** A private key, and the public one as it is registered. */
export async function keyPair(alg) {
  const { privateKey, publicKey } = await oauth.generateKeyPair(alg);
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk: { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) } };
}
