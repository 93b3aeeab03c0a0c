/** JWTs in compact serialization, parsed strictly (RFC 7515 section 7.1, RFC 8725 section 3). Nothing is verified here. */

import { isObject, type JsonObject } from '../shared/http.js';

export const MAX_JWT_BYTES = 16 * 1024;

export interface UnverifiedJwt {
  header: JsonObject;
  claims: JsonObject;
}

/** The sentence of a malformed one is the error's message. */
export class MalformedJwt extends Error {}

export function parseJwt(text: string): UnverifiedJwt {
  if (text.length > MAX_JWT_BYTES) throw new MalformedJwt(`it is larger than ${MAX_JWT_BYTES} bytes`);
  const parts = text.split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new MalformedJwt('it does not have three parts');
  }
  for (const part of [header, payload, signature]) {
    if (!/^[A-Za-z0-9_-]+$/.test(part)) throw new MalformedJwt('a part is not base64url without padding');
  }
  const read = objectOf(header, 'header');
  if ('crit' in read || 'b64' in read) throw new MalformedJwt('its header has `crit` or `b64`');
  return { header: read, claims: objectOf(payload, 'payload') };
}

export function typIs(header: JsonObject, expected: string): boolean {
  return typeof header.typ === 'string' && header.typ.toLowerCase().replace(/^application\//, '') === expected;
}

function objectOf(part: string, name: string): JsonObject {
  try {
    const bytes = Buffer.from(part, 'base64url');
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isObject(value)) return value;
  } catch {
    // The same as what is no object.
  }
  throw new MalformedJwt(`its ${name} is no JSON object`);
}
