/** A permit: one run of one handler with exactly the arguments that were judged, and the report of how it ended. */

import { Cancelled, Expired, UsageError } from '../shared/errors.js';
import type { JsonObject } from '../shared/http.js';
import type { AccessServer } from './access.js';
import type { FrozenAction } from './action.js';

const REPORT_ATTEMPTS = 3;

export type Outcome = 'completed' | 'failed' | 'not_started';

export interface RunOptions<R> {
  signal?: AbortSignal | undefined;
  /** Whether an answer that was returned, not thrown, says that it failed. */
  failed?: (answer: R) => boolean;
  /** Told where the outcome could not be reported; the handler's answer stands. */
  unreported?: (outcome: Outcome, cause: unknown) => void;
}

/** Made by `permit`, which has to be awaited: a promise has no `run`. */
export class Permit {
  #isUsed = false;

  /** @internal */
  constructor(
    private readonly server: AccessServer,
    private readonly action: FrozenAction,
    readonly decisionId: string,
    /** Seconds since 1970: it begins before. */
    readonly validUntil: number,
  ) {}

  /** What was judged, deeply frozen. */
  get arguments(): JsonObject {
    return this.action.arguments;
  }

  /** Runs the handler once, in time, with the arguments that were judged, and reports how it ended. */
  async run<R>(handler: (args: JsonObject) => R | Promise<R>, options: RunOptions<R> = {}): Promise<R> {
    if (this.#isUsed) throw new UsageError('a permit is good for one run');
    this.#isUsed = true;
    if (options.signal?.aborted || this.server.clock.now() >= this.validUntil) {
      await this.#report('not_started', options);
      throw options.signal?.aborted ? new Cancelled('call_ended') : new Expired('it did not begin in time');
    }
    let answer: R;
    try {
      answer = await handler(this.arguments);
    } catch (error) {
      await this.#report('failed', options);
      throw error;
    }
    await this.#report(options.failed?.(answer) ? 'failed' : 'completed', options);
    return answer;
  }

  async #report<R>(result: Outcome, { unreported }: RunOptions<R>): Promise<void> {
    let cause: unknown;
    for (let attempt = 1; attempt <= REPORT_ATTEMPTS; attempt += 1) {
      try {
        if (await this.server.report({ decision_id: this.decisionId, result })) return;
        cause = new Error('the server did not take the report');
      } catch (error) {
        cause = error;
      }
      if (attempt < REPORT_ATTEMPTS) await this.server.clock.sleep(attempt);
    }
    unreported?.(result, cause);
  }
}
