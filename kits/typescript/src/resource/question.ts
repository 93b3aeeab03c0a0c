/** One question to a person: asked, awaited, cancelled. What is not plainly an approval is none. */

import { secondsOf } from '../shared/clock.js';
import { AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable } from '../shared/errors.js';
import { isObject, type Json, type JsonObject } from '../shared/http.js';
import { type AccessServer, MAX_WAIT } from './access.js';

/** Where the server names no interval, in seconds. */
const INTERVAL = 5;
const MAX_LOST_ANSWERS = 5;

/** An approval, as it came: it goes back unchanged. */
export interface Approval {
  approval: JsonObject;
  until: number;
  /** What a person approved instead, where that is less. */
  instead: JsonObject | undefined;
}

export interface WaitOptions {
  /** Ends the wait, and cancels the question: the caller is gone. */
  signal?: AbortSignal | undefined;
  /** Seconds after which the wait ends without a decision: `StillWaiting`, and the question stays open. */
  holdFor?: number | undefined;
  /** Called before each poll: how many seconds were waited, and the page at which the person decides. */
  progress?: ((seconds: number, review: string | undefined) => unknown) | undefined;
  /** Seconds for which one poll is held, at most 25. */
  poll?: number | undefined;
}

export class Question {
  readonly id: string;
  /** The page at which the person decides. */
  readonly review: string | undefined;
  readonly #statusEndpoint: string;
  readonly #cancel: string | undefined;
  readonly #expiresAt: number | undefined;
  #latest: JsonObject;
  #after: number | undefined;

  constructor(
    private readonly server: AccessServer,
    answer: JsonObject,
  ) {
    const { task } = answer;
    if (!isObject(task) || typeof task.id !== 'string' || task.id === '') {
      throw new Unavailable('the answer to the question names no task');
    }
    this.id = task.id;
    this.#statusEndpoint = server.ours(task.status_endpoint);
    const links = isObject(task.links) ? task.links : {};
    this.review = typeof links.review === 'string' ? server.ours(links.review) : undefined;
    this.#cancel = typeof links.cancel === 'string' ? server.ours(links.cancel) : undefined;
    this.#expiresAt = secondsOf(task.expires_at);
    this.#latest = answer;
  }

  /** The question of an id that a protocol's state carried. Whose it is, the server judges when its approval is presented. */
  static async resume(server: AccessServer, id: string): Promise<Question> {
    const { requests } = await server.endpoints();
    if (requests === undefined || !/^[A-Za-z0-9_-]{1,128}$/.test(id))
      throw new Unavailable('there is no such question');
    const { body } = await server.status(`${requests}/${id}`, 0);
    const found = new Question(server, body);
    if (found.id !== id) throw new Unavailable('the answer is about another question');
    return found;
  }

  /** The approval; whatever else the question ends in is thrown. */
  async approval(options: WaitOptions = {}): Promise<Approval> {
    const { clock } = this.server;
    const begun = clock.now();
    let lost = 0;
    for (;;) {
      const decided = decision(this.#latest, this.id, clock.now());
      if (decided !== undefined) return decided;
      const waited = clock.now() - begun;
      await this.#endIfOver(options, waited);
      await options.progress?.(waited, this.review);
      const left = options.holdFor === undefined ? MAX_WAIT : Math.max(0, options.holdFor - waited);
      const wait = Math.max(0, Math.min(MAX_WAIT, options.poll ?? MAX_WAIT, left));
      try {
        const asked = clock.now();
        ({ body: this.#latest, after: this.#after } = await this.server.status(
          this.#statusEndpoint,
          wait,
          options.signal,
        ));
        lost = 0;
        if (isPending(this.#latest)) await this.#pause(clock.now() - asked, left, options.signal);
      } catch (error) {
        if (!(error instanceof NotPermitted)) throw error;
        if (options.signal?.aborted) continue;
        if (error instanceof Expired) throw error;
        lost += 1;
        if (lost > MAX_LOST_ANSWERS) throw error;
        const pause = error instanceof AskLater ? error.retryAfter : INTERVAL * lost;
        await clock.sleep(Math.min(pause, 60, Math.max(left, 1)), options.signal);
      }
    }
  }

  /** Nobody waits any more. `false` where it was decided already. */
  async cancel(reason = 'call_ended'): Promise<boolean> {
    if (this.#cancel === undefined) return false;
    return (await this.server.cancel(this.#cancel, reason)) === 200;
  }

  async #endIfOver({ signal, holdFor }: WaitOptions, waited: number): Promise<void> {
    if (signal?.aborted) {
      await this.cancel().catch(() => false);
      throw new Cancelled('call_ended');
    }
    if (this.#expiresAt !== undefined && this.server.clock.now() >= this.#expiresAt) {
      throw new Expired('nobody decided in time');
    }
    if (holdFor !== undefined && waited >= holdFor) throw new StillWaiting(this.id, this.review);
  }

  /** As long as the server says, less what it held the poll. */
  async #pause(held: number, left: number, signal: AbortSignal | undefined): Promise<void> {
    const wanted = this.#after ?? INTERVAL;
    if (held < wanted) await this.server.clock.sleep(Math.min(wanted - held, Math.max(left, 1)), signal);
  }
}

function isPending(answer: JsonObject): boolean {
  return isObject(answer.task) && answer.task.status === 'pending';
}

/** `undefined` while it is pending. A status or mode that is not known is no approval. */
function decision(answer: JsonObject, id: string, now: number): Approval | undefined {
  const { task } = answer;
  if (!isObject(task) || task.id !== id) throw new Unavailable('the answer is about another question');
  switch (task.status) {
    case 'pending':
      return undefined;
    case 'approved':
      return approvalOf(answer.result, now);
    case 'denied':
      throw new Denied('person', 'the person said no');
    case 'expired':
      throw new Expired('nobody decided in time');
    case 'cancelled':
      throw new Cancelled(typeof task.reason === 'string' ? task.reason : 'cancelled');
    default:
      throw new Unavailable(`the question ended in a way that is no approval (${wordOf(task.status)})`);
  }
}

function approvalOf(result: Json | undefined, now: number): Approval {
  if (!isObject(result) || result.mode !== 'reevaluate')
    throw new Unavailable('the approval has a mode that is not known');
  const { approval } = result;
  const until = isObject(approval) ? secondsOf(approval.approved_until) : undefined;
  if (!isObject(approval) || typeof approval.id !== 'string' || approval.id === '' || until === undefined) {
    throw new Unavailable('the approval is not complete');
  }
  if (until <= now) throw new Expired('the approval is over');
  const { authorization_details: instead } = approval;
  if (instead === undefined) return { approval, until, instead: undefined };
  const [only] = Array.isArray(instead) ? instead : [];
  if (!Array.isArray(instead) || instead.length !== 1 || !isObject(only)) {
    throw new Unavailable('the approval is of more than one object');
  }
  return { approval, until, instead: only };
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 40) : 'none';
}
