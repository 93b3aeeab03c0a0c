// A push subscription as a browser makes it (RFC 8291 section 3), without the browser; `http_ece` reads what is sent to it.

import assert from 'node:assert/strict';
import { createECDH, randomBytes } from 'node:crypto';

import ece from 'http_ece';

/** Salt, record size, length of the key, and the key (RFC 8188 section 2.1). */
const HEADER = 16 + 4 + 1 + 65;

export function browserKeys() {
  const privateKey = createECDH('prime256v1');
  const p256dh = privateKey.generateKeys('base64url');
  const authSecret = randomBytes(16);
  return {
    keys: { p256dh, auth: authSecret.toString('base64url') },
    decrypt: (body) => {
      assert.ok(body.readUInt32BE(16) >= body.length - HEADER, 'RFC 8291 4: a single record');
      return ece.decrypt(body, { version: 'aes128gcm', privateKey, authSecret }).toString('utf8');
    },
  };
}

/** The sender's key of a message: `keyid` of its header, 65 octets. */
export function senderOf(body) {
  assert.equal(body[20], 65, 'RFC 8291 4');
  assert.equal(body[21], 4, 'an uncompressed point');
  return body.subarray(21, HEADER).toString('base64url');
}
