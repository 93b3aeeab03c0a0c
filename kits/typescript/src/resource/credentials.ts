/** What a request brings: one `Authorization` field and, with the scheme `DPoP`, one proof (RFC 6750 section 2.1, 9449 section 7.1). */

import { Refusal, type Scheme } from './rejection.js';

/** A request, in any of the shapes that servers give: the standard `Request`, Node's `IncomingMessage`, or the parts. */
export interface RequestView {
  method: string;
  /** Only its path and query count. */
  url: string;
  /** Fields by lower-case name; several of one name as a list. */
  headers: Record<string, string | string[] | undefined>;
}

export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  originalUrl?: string | undefined;
  headersDistinct: Record<string, string[] | undefined>;
}

export interface Credentials {
  scheme: Scheme;
  token: string;
}

export function viewOf(request: Request | NodeRequest | RequestView): RequestView {
  if (request instanceof Request) {
    const { pathname, search } = new URL(request.url);
    return { method: request.method, url: pathname + search, headers: Object.fromEntries(request.headers) };
  }
  if ('headersDistinct' in request) {
    return {
      method: request.method ?? '',
      url: request.originalUrl ?? request.url ?? '/',
      headers: request.headersDistinct,
    };
  }
  return request;
}

export function readCredentials(request: RequestView): Credentials {
  const fields = fieldsOf(request, 'authorization');
  const [field] = fields;
  if (field === undefined) throw new Refusal('no_credentials');
  const query = request.url.split('?').slice(1).join('?');
  if (fields.length > 1 || new URLSearchParams(query).has('access_token')) throw new Refusal('several_credentials');
  const [, named = '', rest = ''] = /^([^ ]*) ?(.*)$/s.exec(field) ?? [];
  const scheme = (['DPoP', 'Bearer'] as const).find((one) => one.toLowerCase() === named.toLowerCase());
  if (scheme === undefined) throw new Refusal('no_credentials');
  const token = rest.replace(/^ +| +$/g, '');
  // token68 (RFC 9110 section 11.2): a second scheme behind a comma is no token.
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) throw new Refusal('malformed_credentials');
  return { scheme, token };
}

/** The text of the one proof (RFC 9449 section 4.3, check 1). */
export function readProof(request: RequestView): string {
  const fields = fieldsOf(request, 'dpop');
  const [proof] = fields;
  if (proof === undefined) throw new Refusal('missing_proof');
  if (fields.length > 1) throw new Refusal('several_proofs');
  return proof;
}

function fieldsOf(request: RequestView, name: string): string[] {
  const found = request.headers[name];
  return found === undefined ? [] : Array.isArray(found) ? found : [found];
}
