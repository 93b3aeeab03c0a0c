/** The caller of an MCP request: verified by the kit, handed on in the `authInfo` that the SDKs give to handlers. */

import type { Caller } from '../resource/caller.js';
import type { NodeRequest } from '../resource/credentials.js';
import { answer, answeredPreflight, type CrossOriginOptions } from '../resource/express.js';
import { Rejection } from '../resource/rejection.js';
import type { Verifier } from '../resource/verifier.js';

/** As the SDKs have it. */
export interface AuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  expiresAt?: number;
  resource?: URL;
  extra?: Record<string, unknown>;
}

interface Arrived {
  caller: Caller;
  /** Aborted when the connection of the request is closed. */
  gone: AbortSignal | undefined;
}

/** By the `extra` of an `authInfo`, so that the caller is found and never printed. */
const arrived = new WeakMap<object, Arrived>();

type GuardedResponse = Parameters<typeof answer>[1] & { on(event: 'close', tell: () => void): unknown };

/** A middleware in the place of the SDK's own, for DPoP too: `app.use('/mcp', guard(verifier))`. */
export function guard(verifier: Verifier, options: { scopes?: string[] } & CrossOriginOptions = {}) {
  return (
    request: NodeRequest & { auth?: AuthInfo },
    response: GuardedResponse,
    next: (error?: unknown) => void,
  ): void => {
    if (answeredPreflight(request, response, options)) return;
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

export function callerBehind(authInfo: AuthInfo | undefined): Caller {
  const found = arrivedBy(authInfo);
  if (found === undefined)
    throw new Error('no caller: put `guard(verifier)` or `tokenVerifier(verifier)` before the server');
  return found.caller;
}

export function authInfoOf(caller: Caller, gone: AbortSignal | undefined): AuthInfo {
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
