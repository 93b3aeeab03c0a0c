/** The caller of an MCP request: verified by the kit, handed on in the SDK's own `authInfo`. */

import { InvalidTokenError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';

import type { Caller } from '../resource/caller.js';
import type { NodeRequest } from '../resource/credentials.js';
import { answer } from '../resource/express.js';
import { Rejection } from '../resource/rejection.js';
import type { Verifier } from '../resource/verifier.js';

interface Arrived {
  caller: Caller;
  /** Aborted when the connection of the request is closed. */
  gone: AbortSignal | undefined;
}

/** By the `extra` of an `authInfo`, so that the caller is found and never printed. */
const arrived = new WeakMap<object, Arrived>();

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

type GuardedResponse = Parameters<typeof answer>[1] & { on(event: 'close', tell: () => void): unknown };

/** A middleware in the place of `requireBearerAuth`, for DPoP too: `app.post('/mcp', guard(verifier), handle)`. */
export function guard(verifier: Verifier, options: { scopes?: string[] } = {}) {
  return (
    request: NodeRequest & { auth?: AuthInfo },
    response: GuardedResponse,
    next: (error?: unknown) => void,
  ): void => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    verifier.verify(request).then(
      (caller) => {
        try {
          for (const scope of options.scopes ?? []) caller.requireScope(scope);
        } catch (error) {
          return answer(error as Rejection, response);
        }
        request.auth = authInfoOf(caller, gone.signal);
        next();
      },
      (error: unknown) => (error instanceof Rejection ? answer(error, response) : next(error)),
    );
  };
}

/** What the kit knows of the request behind a tool call; `undefined` where it did not verify it. */
export function arrivedBy(authInfo: AuthInfo | undefined): Arrived | undefined {
  return authInfo?.extra === undefined ? undefined : arrived.get(authInfo.extra);
}

/** The caller of a tool call, from the `extra` that the SDK gives to handlers. */
export function callerOf(extra: { authInfo?: AuthInfo }): Caller {
  const found = arrivedBy(extra.authInfo);
  if (found === undefined)
    throw new Error('no caller: put `guard(verifier)` or `tokenVerifier(verifier)` before the server');
  return found.caller;
}

function authInfoOf(caller: Caller, gone: AbortSignal | undefined): AuthInfo {
  const extra = { ...caller.claims };
  arrived.set(extra, { caller, gone });
  return {
    token: caller.presented.token.expose(),
    clientId: caller.client,
    scopes: [...caller.scopes],
    expiresAt: caller.expiresAt,
    resource: new URL(String(caller.claims.aud)),
    extra,
  };
}
