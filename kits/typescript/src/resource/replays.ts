/** Which proofs were used. The memory is bounded: when it is full requests are rejected, because forgetting would allow a replay. */

export interface ReplayStore {
  /** `false` if it was claimed before. `until`: when the proof is no longer accepted anyway. Throws where nothing can be remembered. */
  claim(digest: string, until: number, now: number): boolean | Promise<boolean>;
}

export const MAX_REMEMBERED_PROOFS = 500_000;

export class MemoryReplays implements ReplayStore {
  readonly #limit: number;
  readonly #ends = new Map<string, number>();
  #nextSweep = 0;

  constructor(limit = MAX_REMEMBERED_PROOFS) {
    this.#limit = limit;
  }

  claim(digest: string, until: number, now: number): boolean {
    const end = this.#ends.get(digest);
    if (end !== undefined && end >= now) return false;
    if (this.#ends.size >= this.#limit && now >= this.#nextSweep) this.#sweep(now);
    if (this.#ends.size >= this.#limit) throw new Error(`the memory holds ${this.#limit} proofs, which is its limit`);
    this.#ends.set(digest, until);
    return true;
  }

  /** At most once a second, so that a full memory costs no more than that. */
  #sweep(now: number): void {
    this.#nextSweep = now + 1;
    for (const [digest, end] of this.#ends) {
      if (end < now) this.#ends.delete(digest);
    }
  }
}
