/** The caller of a request of the SDK `@modelcontextprotocol/sdk`. */

import { InvalidTokenError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';

import type { Caller } from '../resource/caller.js';
import { Rejection } from '../resource/rejection.js';
import type { Verifier } from '../resource/verifier.js';
import { type AuthInfo, authInfoOf, callerBehind } from './arrival.js';

/** For the SDK's `requireBearerAuth`. Bound tokens need `guard`, for this way sees no proof. */
export function tokenVerifier(verifier: Verifier): { verifyAccessToken(token: string): Promise<AuthInfo> } {
  return {
    async verifyAccessToken(token) {
      try {
        return authInfoOf(await verifier.verifyBearer(token), undefined);
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        throw error.status === 503 ? new ServerError(error.message) : new InvalidTokenError(error.message);
      }
    },
  };
}

/** The caller of a tool call, from the `extra` that the SDK gives to handlers. */
export function callerOf(extra: { authInfo?: AuthInfo }): Caller {
  return callerBehind(extra.authInfo);
}
