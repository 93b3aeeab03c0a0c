/**
 * Introspection of each token at the issuer (RFC 7662), so that a stop takes effect here within a second. Without an answer, or
 * with one about another token, the request is refused.
 */

import type { Clock } from '../shared/clock.js';
import { type Fetch, isObject, type JsonObject, send } from '../shared/http.js';
import { basic, type Secret } from '../shared/secret.js';
import { tokenHash } from './proof.js';
import { Refusal } from './rejection.js';

const LIVE_TIMEOUT = 3_000;
const MAX_LIVE_ANSWERS = 10_000;

export class Introspection {
  readonly #answers = new Map<string, { active: boolean; askedAt: number }>();

  constructor(
    private readonly clientId: string,
    private readonly clientSecret: Secret,
    /** Seconds for which an answer counts: 0 or 1. */
    private readonly cache: 0 | 1,
    private readonly fetch: Fetch,
    private readonly clock: Clock,
  ) {}

  async check(token: string, claims: JsonObject, endpoint: string | undefined): Promise<void> {
    if (endpoint === undefined) throw unanswered(new Error('the issuer has no introspection endpoint'));
    const hash = tokenHash(token);
    const now = this.clock.now();
    const known = this.#answers.get(hash);
    let active: boolean;
    if (known !== undefined && known.askedAt <= now && now - known.askedAt < this.cache) {
      active = known.active;
    } else {
      active = await this.#ask(token, claims, endpoint);
      this.#keep(hash, active, now);
    }
    if (!active) throw new Refusal('inactive');
  }

  async #ask(token: string, claims: JsonObject, endpoint: string): Promise<boolean> {
    const answer = await send(this.fetch, endpoint, {
      method: 'POST',
      headers: {
        authorization: basic(this.clientId, this.clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      patience: LIVE_TIMEOUT,
    }).catch((cause: unknown) => {
      throw unanswered(cause);
    });
    if (answer.status !== 200 || !isObject(answer.body)) throw unanswered(new Error(`status ${answer.status}`));
    const { active, jti, iss, sub } = answer.body;
    if (active === false) return false;
    if (active !== true || jti !== claims.jti || iss !== claims.iss || sub !== claims.sub) {
      throw unanswered(new Error('the answer is about another token'));
    }
    return true;
  }

  #keep(hash: string, active: boolean, askedAt: number): void {
    if (this.cache === 0) return;
    if (this.#answers.size >= MAX_LIVE_ANSWERS) {
      for (const [known, answer] of this.#answers) {
        if (askedAt - answer.askedAt >= this.cache) this.#answers.delete(known);
      }
    }
    if (this.#answers.size < MAX_LIVE_ANSWERS) this.#answers.set(hash, { active, askedAt });
  }
}

function unanswered(cause: unknown): Refusal {
  return new Refusal('unavailable', 'the issuer cannot be asked about this token: try again', { cause });
}
