/** A middleware for Express and servers like it: each request is verified, or answered here. */

import type { NotPermitted } from '../shared/errors.js';
import type { Caller } from './caller.js';
import type { NodeRequest } from './credentials.js';
import { Rejection } from './rejection.js';
import type { Verifier } from './verifier.js';

interface NodeResponse {
  statusCode: number;
  appendHeader?(name: string, value: string): unknown;
  setHeader(name: string, value: string | readonly string[]): unknown;
  hasHeader?(name: string): boolean;
  end(body?: string): unknown;
}

/** Whether clients that run in a browser may call the resource. */
export interface CrossOriginOptions {
  /**
   * `open`: from every origin, without cookies. `closed`: no answer says so, for an application whose own CORS middleware stands before
   * this one.
   */
  crossOrigin?: 'open' | 'closed';
}

/** Fetch section 3.3. `*` counts because the browser adds no credentials of its own: whoever reads an answer had the token. */
const READABLE = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'dpop-nonce, www-authenticate, retry-after, mcp-session-id, *',
};
/** `*` leaves `Authorization` out (Fetch section 4.9), so it is named. */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, dpop, content-type, accept, mcp-protocol-version, mcp-session-id, *',
  'access-control-max-age': '7200',
};

/** The caller of each request that `protect` let through. */
const callers = new WeakMap<object, Caller>();

/** The caller of this request; throws where `protect` did not stand in front of the handler. */
export function callerOf(request: object): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('no caller: `protect(verifier)` must stand in front of this handler');
  return caller;
}

/** `app.use(protect(verifier))`; a handler then has `callerOf(request)`. */
export function protect(verifier: Verifier, options: CrossOriginOptions = {}) {
  return (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
    if (answeredPreflight(request, response, options)) return;
    verifier.verify(request).then(
      (caller) => {
        callers.set(request, caller);
        next();
      },
      (error: unknown) => (error instanceof Rejection ? answer(error, response) : next(error)),
    );
  };
}

/** A preflight carries no token, and is answered here; every other answer may be read, if the application has not decided about it. */
export function answeredPreflight(
  { method, headersDistinct: headers }: NodeRequest,
  response: NodeResponse,
  { crossOrigin = 'open' }: CrossOriginOptions,
): boolean {
  const isPreflight = method === 'OPTIONS' && 'origin' in headers && 'access-control-request-method' in headers;
  const isDecided = crossOrigin === 'closed' || response.hasHeader?.('access-control-allow-origin') === true;
  const fields: Record<string, string> = isDecided ? {} : { ...READABLE, ...(isPreflight ? PREFLIGHT : {}) };
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
  if (!isPreflight) return false;
  response.statusCode = 204;
  response.end();
  return true;
}

/** The whole answer to a rejected request, or to one whose action was not permitted. */
export function answer(rejection: Rejection | NotPermitted, response: NodeResponse): void {
  response.statusCode = rejection.status;
  for (const [name, value] of rejection.headers) response.setHeader(name, value);
  response.end(rejection.body);
}

/** `app.use(serveMetadata(verifier))`: the document of RFC 9728 at its address, for everybody and from every origin. */
export function serveMetadata(verifier: Verifier, also: Parameters<Verifier['resourceMetadata']>[0] = {}) {
  const document = JSON.stringify(verifier.resourceMetadata(also));
  const { pathname } = new URL(verifier.metadataUrl ?? 'urn:none');
  return (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
    const [path] = (request.originalUrl ?? request.url ?? '/').split('?');
    if (path !== pathname) {
      next();
      return;
    }
    response.setHeader('access-control-allow-origin', '*');
    const allowed = 'GET, HEAD, OPTIONS';
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        response.setHeader('content-type', 'application/json');
        response.end(request.method === 'GET' ? document : undefined);
        return;
      case 'OPTIONS':
        response.statusCode = 204;
        response.setHeader('access-control-allow-methods', allowed);
        response.setHeader('access-control-allow-headers', '*');
        response.end();
        return;
      default:
        response.statusCode = 405;
        response.setHeader('allow', allowed);
        response.end();
        return;
    }
  };
}
