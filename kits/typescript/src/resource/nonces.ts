/** Stateless DPoP nonces (RFC 9449 sections 8 and 9): a time and its HMAC. One may be used many times while it is valid. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const MAX_AGE = 300;
const SKEW = 10;

export class Nonces {
  readonly #key: Buffer;

  /** Without a secret one is drawn, so that no nonce of an earlier process is accepted. */
  constructor(realm: string, secret: Uint8Array = randomBytes(32)) {
    this.#key = createHmac('sha256', secret).update('writ-kit dpop nonce\0').update(realm).digest();
  }

  issue(now: number): string {
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(BigInt(now));
    return Buffer.concat([time, this.#tag(time)]).toString('base64url');
  }

  accepts(nonce: string, now: number): boolean {
    if (!/^[A-Za-z0-9_-]{32}$/.test(nonce)) return false;
    const bytes = Buffer.from(nonce, 'base64url');
    const time = bytes.subarray(0, 8);
    const age = now - Number(time.readBigInt64BE());
    return age >= -SKEW && age <= MAX_AGE && timingSafeEqual(this.#tag(time), bytes.subarray(8));
  }

  #tag(time: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(time).digest().subarray(0, 16);
  }
}
