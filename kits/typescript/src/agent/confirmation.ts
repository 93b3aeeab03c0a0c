/** One question to a person, asked by an agent (OpenID Connect CIBA Core 1.0, by poll). */

import { type Clock, systemClock } from '../shared/clock.js';
import { Expired, Unavailable } from '../shared/errors.js';
import { Refused } from './errors.js';
import type { Grant, RequestedAccess } from './grant.js';

/** How long the server may hold a poll, in seconds. */
const HOLD = 25;

export interface Confirm extends RequestedAccess {
  /** Shown as the agent's words; at most 140 characters. */
  bindingMessage?: string;
}

type Poll = (authReqId: string, wait: number) => Promise<Grant>;

export class PendingConfirmation {
  /** What the person picks on the phone, where the client is registered for it. */
  readonly numberToMatch: string | undefined;
  readonly #id: string;
  readonly #expiresAt: number;
  #interval: number;

  constructor(
    asked: Readonly<Record<string, unknown>>,
    private readonly poll: Poll,
    private readonly clock: Clock = systemClock,
  ) {
    this.#id = String(asked.auth_req_id);
    this.#expiresAt = clock.now() + Number(asked.expires_in);
    this.#interval = typeof asked.interval === 'number' ? asked.interval : 5;
    this.numberToMatch = asked.number_to_match === undefined ? undefined : String(asked.number_to_match);
  }

  /** The token for this one action; a no is `Denied`, silence is `Expired`. */
  async wait(): Promise<Grant> {
    while (this.clock.now() < this.#expiresAt) {
      const asked = this.clock.now();
      try {
        return await this.poll(this.#id, HOLD);
      } catch (error) {
        if (error instanceof Refused && error.code === 'slow_down') this.#interval += 5;
        else if (error instanceof Unavailable) this.#interval *= 2;
        else if (!(error instanceof Refused && error.code === 'authorization_pending')) throw error;
      }
      await this.clock.sleep(Math.max(0, this.#interval - (this.clock.now() - asked)));
    }
    throw new Expired('nobody decided in time');
  }
}
