/** The door of agents: authority from people, handed on, confirmed, and used. */

import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

export * from '../shared/errors.js';
export { Secret } from '../shared/secret.js';
export { Agent, type AgentConfig, type AuthorizationIntent, type PendingAuthorization } from './agent.js';
export { type Confirm, PendingConfirmation } from './confirmation.js';
export { ProtocolError, Refused, ResourceRefused } from './errors.js';
export { Grant, type RequestedAccess } from './grant.js';

/** The public half of an assertion key, as it is registered in `jwks`, with the thumbprint as `kid`. */
export async function publicJwk(key: CryptoKey): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(key);
  return {
    ...jwk,
    alg: key.algorithm.name === 'ECDSA' ? 'ES256' : 'EdDSA',
    use: 'sig',
    kid: await calculateJwkThumbprint(jwk),
  };
}
