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
  end(body?: string): unknown;
}

/** The caller of each request that `protect` let through. */
const callers = new WeakMap<object, Caller>();

/** The caller of this request; throws where `protect` did not stand in front of the handler. */
export function callerOf(request: object): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('no caller: `protect(verifier)` must stand in front of this handler');
  return caller;
}

/** `app.use(protect(verifier))`; a handler then has `callerOf(request)`. */
export function protect(verifier: Verifier) {
  return (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
    verifier.verify(request).then(
      (caller) => {
        callers.set(request, caller);
        next();
      },
      (error: unknown) => (error instanceof Rejection ? answer(error, response) : next(error)),
    );
  };
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
