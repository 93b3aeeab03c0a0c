/** The tables in conformance/vectors, and requests that are made from them. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { importJWK } from 'jose';

export function table(name) {
  return JSON.parse(readFileSync(new URL(`../../../conformance/vectors/${name}.json`, import.meta.url), 'utf8'));
}

/** `base` with the changes of one case. */
export function changed(base, { set = {}, remove = [] }) {
  const document = structuredClone(base);
  const place = (pointer) => {
    const names = pointer.slice(1).split('/');
    const last = names.pop();
    return [names.reduce((value, name) => value[name], document), last];
  };
  for (const [pointer, value] of Object.entries(set)) {
    const [holder, name] = place(pointer);
    holder[name] = value;
  }
  for (const pointer of remove) {
    const [holder, name] = place(pointer);
    delete holder[name];
  }
  return document;
}

/** A JWT of any header, also one that a library would not make. */
export async function sign(jwk, header, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(claims)}`;
  const key = await importJWK({ ...jwk, alg: undefined }, jwk.kty === 'OKP' ? 'EdDSA' : 'ES256');
  const how = jwk.kty === 'OKP' ? 'Ed25519' : { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(how, key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

export const hash = (text) => createHash('sha256').update(text).digest('base64url');

/** Replaces `$name` in every text of a value. */
export function filled(value, words) {
  const text = JSON.stringify(value).replace(/\$(token|proof|ath|nonce)/g, (whole, name) => words[name] ?? whole);
  return JSON.parse(text);
}

export const answer = (status, body, headers = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
