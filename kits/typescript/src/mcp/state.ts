/**
 * What a client of 2026-07-28 carries for us from one round of a call to the next: sealed for the tool and its caller, so that another's is
 * none (MCP 2026-07-28, multi round-trip requests, server requirements).
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

import { UsageError } from '../shared/errors.js';

export interface CarriedState {
  /** Of the question. */
  id: string;
  rounds: number;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_STATE = 1024;

export class StateSealer {
  readonly #key: Buffer;

  constructor(secret: string | undefined) {
    this.#key = secret === undefined ? randomBytes(32) : createHash('sha256').update(`writ-state:${secret}`).digest();
  }

  seal({ id, rounds }: CarriedState, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(JSON.stringify([id, rounds])), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  open(state: string, owner: string): CarriedState {
    const bytes = Buffer.from(state.slice(0, MAX_STATE), 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      const [id, rounds] = JSON.parse(plain.toString()) as [string, number];
      return { id, rounds };
    } catch {
      throw new UsageError('the state of this call is not ours');
    }
  }
}
