/** Decisions per action: judged by the authorization server before the action runs, by a person where it says so. */

import { type Clock, secondsOf, systemClock } from '../shared/clock.js';
import {
  ArgumentsInvalid,
  AskLater,
  Denied,
  Expired,
  NotPermitted,
  Unavailable,
  UsageError,
} from '../shared/errors.js';
import { type Fetch, isObject, type JsonObject } from '../shared/http.js';
import { Secret } from '../shared/secret.js';
import { isSafeUrl } from '../shared/urls.js';
import { AccessServer, freshKey } from './access.js';
import { type Action, FrozenAction } from './action.js';
import type { Caller } from './caller.js';
import { Permit, type RunOptions } from './permit.js';
import { type Approval, Question, type WaitOptions } from './question.js';

export interface DecisionsConfig {
  issuer: string;
  /** The audience of the tokens, as its record has it. */
  resource: string;
  /** The confidential client that the resource's record names. */
  clientId: string;
  clientSecret: string;
  /**
   * `here`: the verifier checked the proof, and the resource's record says `verifies_proofs`. `sent`: the server checks it, which it
   * can do once, while the proof is young.
   */
  proofs?: 'here' | 'sent';
  fetch?: Fetch;
  clock?: Clock;
}

/** How a gated action waits, and what the person reads beside the sentence of its type. */
export interface GateOptions<R> extends WaitOptions, RunOptions<R> {
  /** Shown as the resource's own words; at most 140 characters. */
  says?: string;
  /** The client can carry nothing: the same call, made again within two minutes of the yes, is permitted. The screen says so. */
  callAgain?: boolean;
  /** Told of the question before the wait begins. */
  asked?: (question: Question) => unknown;
  /** For the record: by what the client was made to wait. */
  waitedBy?: string;
  signal?: AbortSignal | undefined;
}

/** A denial that a person can lift. */
interface Askable {
  endpoint: unknown;
  denial: JsonObject;
}

export type Looked = { decision: true } | { decision: false; reason: string; askable: boolean };

export class Decisions {
  readonly server: AccessServer;
  readonly #resource: string;
  readonly #proofs: 'here' | 'sent';

  constructor(config: DecisionsConfig) {
    if (!isSafeUrl(config.issuer)) throw new UsageError('`issuer` is not an https URL (http only on loopback)');
    const { clientId, clientSecret } = config;
    if (typeof clientSecret !== 'string' || !/^\S+$/.test(clientSecret)) {
      throw new UsageError('the client secret is empty or has white space: it is what `writ client add` printed');
    }
    this.server = new AccessServer(
      config.issuer,
      { clientId, clientSecret: new Secret(clientSecret) },
      config.fetch ?? globalThis.fetch,
      config.clock ?? systemClock,
    );
    this.#resource = config.resource;
    this.#proofs = config.proofs ?? 'here';
  }

  /** Whether the issuer takes the client's credentials; for the start of a service. A `UsageError` if it refuses them. */
  async checkCredentials(): Promise<void> {
    await this.server.check();
  }

  /** What would be decided. Nothing may be done upon it, and it changes nothing. */
  async look(caller: Caller, action: Action): Promise<Looked> {
    const { evaluations } = await this.server.evaluations({
      evaluations: [this.#question(caller, FrozenAction.of(action), {})],
    });
    const [only] = Array.isArray(evaluations) ? evaluations : [];
    if (!isObject(only) || typeof only.decision !== 'boolean') throw new Unavailable('the answer holds no decision');
    if (only.decision) return { decision: true };
    return { decision: false, reason: reasonOf(only), askable: askableOf(only) !== undefined };
  }

  /** A permit for one run, or what is thrown says why not; nobody is asked. */
  async permit(caller: Caller, action: Action): Promise<Permit> {
    const frozen = FrozenAction.of(action);
    const decided = await this.#decide(caller, frozen, {});
    if (decided instanceof Permit) return decided;
    throw new Denied('approval_required', 'a person must be asked about this: use `gated`');
  }

  /** Judges; asks and waits where a person must agree; runs the handler once with what was judged; reports how it ended. */
  async gated<R>(
    caller: Caller,
    action: Action,
    handler: (args: JsonObject) => R | Promise<R>,
    options: GateOptions<R> = {},
  ): Promise<R> {
    const frozen = FrozenAction.of(action);
    const decided = await this.#decide(caller, frozen, {});
    if (decided instanceof Permit) return decided.run(handler, options);
    const question = await this.#ask(caller, frozen, decided, options);
    const approved = await this.#await(question, options);
    return this.#runApproved(caller, frozen, approved, handler, options);
  }

  /** Asks alone, where the wait is done later by `resume`: the id goes into the protocol's own state. */
  async ask(caller: Caller, action: Action, options: GateOptions<never> = {}): Promise<Permit | Question> {
    const frozen = FrozenAction.of(action);
    const decided = await this.#decide(caller, frozen, {});
    return decided instanceof Permit ? decided : this.#ask(caller, frozen, decided, options);
  }

  /** Goes on with a question that was asked by an earlier message of the same call. */
  async resume<R>(
    caller: Caller,
    action: Action,
    id: string,
    handler: (args: JsonObject) => R | Promise<R>,
    options: GateOptions<R> = {},
  ): Promise<R> {
    const frozen = FrozenAction.of(action);
    const question = await Question.resume(this.server, id);
    return this.#runApproved(caller, frozen, await this.#await(question, options), handler, options);
  }

  /** A question that nobody waits for any more is taken back, unless the same call comes again. */
  async #await(question: Question, options: GateOptions<never>): Promise<Approval> {
    try {
      await options.asked?.(question);
      return await question.approval(options);
    } catch (error) {
      const isOver = error instanceof NotPermitted && error.code !== 'unavailable';
      if (!isOver) await question.cancel().catch(() => false);
      throw error;
    }
  }

  async #runApproved<R>(
    caller: Caller,
    asked: FrozenAction,
    approved: Approval,
    handler: (args: JsonObject) => R | Promise<R>,
    options: GateOptions<R>,
  ): Promise<R> {
    const action = approved.instead === undefined ? asked : lessThanAsked(asked, approved.instead);
    const context = { approval: approved.approval, ...waitedBy(options) };
    const decided = await this.#decide(caller, action, context);
    if (decided instanceof Permit) return decided.run(handler, options);
    throw new Denied('approval_required', 'the approval does not cover this call');
  }

  /** Under a key of its own: each decision is for one run. */
  async #decide(caller: Caller, action: FrozenAction, context: JsonObject): Promise<Permit | Askable> {
    const { clock } = this.server;
    const answer = await this.server.evaluate(this.#question(caller, action, context), freshKey());
    const { decision, context: said } = answer;
    const told = isObject(said) ? said : {};
    if (decision === true) {
      const validUntil = secondsOf(told.valid_until);
      if (typeof told.decision_id !== 'string' || told.decision_id === '' || validUntil === undefined) {
        throw new Unavailable('the permit is not complete');
      }
      // A repeated answer starts nothing: its first receiver may have acted.
      if (told.replayed !== undefined && told.replayed !== false) throw new Unavailable('the permit was given before');
      if (validUntil <= clock.now()) throw new Expired('the permit came too late');
      return new Permit(this.server, action, told.decision_id, validUntil);
    }
    if (decision !== false) throw new Unavailable('the answer holds no decision');
    return this.#denied(action, answer, 'approval' in context);
  }

  #denied(action: FrozenAction, answer: JsonObject, withApproval: boolean): Askable {
    const reason = reasonOf(answer);
    const told = isObject(answer.context) ? answer.context : {};
    const words = isObject(told.reason_user) && typeof told.reason_user.en === 'string' ? told.reason_user.en : '';
    if (told.next_action === 'retry') throw new AskLater(wholeSeconds(told.retry_after) ?? 5, words || undefined);
    const isNo = told.next_action === 'none';
    // Used or lapsed, as the server says it; a person who ended it is not asked again.
    if (reason === 'approval_expired' && !isNo) throw new Expired(words || 'the approval is over');
    if (reason === 'arguments_invalid') throw new ArgumentsInvalid(words, action.isTool ? 'tool' : 'action');
    const askable = askableOf(answer);
    // One question for one call: what an approval did not lift is a no.
    if (askable === undefined || withApproval || isNo) throw new Denied(reason, words);
    return askable;
  }

  async #ask(
    caller: Caller,
    action: FrozenAction,
    { endpoint, denial }: Askable,
    options: GateOptions<never>,
  ): Promise<Question> {
    if (options.says !== undefined && [...options.says].length > 140) {
      throw new UsageError('`says` has more than 140 characters');
    }
    const context = { ...(options.says === undefined ? {} : { says: options.says }), ...waitedBy(options) };
    const body: JsonObject = { ...this.#question(caller, action, context), denial };
    if (options.callAgain) body.requested_access = { 'urn:writ:call_again': true };
    return new Question(this.server, await this.server.requestAccess(endpoint, body, 0));
  }

  #question(caller: Caller, action: FrozenAction, context: JsonObject): JsonObject {
    const { token, dpop } = caller.presented;
    const shown: JsonObject = { ...context, access_token: token.expose() };
    if (dpop !== undefined && this.#proofs === 'sent') {
      shown.dpop = { proof: dpop.proof.expose(), htm: dpop.htm, htu: dpop.htu };
    }
    if (action.definitionHash !== undefined) shown.definition_hash = action.definitionHash;
    return { subject: { type: 'user', id: caller.subject.id }, ...action.wire(this.#resource), context: shown };
  }
}

function waitedBy(options: { waitedBy?: string }): JsonObject {
  return options.waitedBy === undefined ? {} : { waited_by: options.waitedBy };
}

function reasonOf({ context }: JsonObject): string {
  return isObject(context) && typeof context.reason === 'string' ? context.reason : 'denied';
}

/** Whatever is missing that binds a question to its denial makes it a plain no. */
function askableOf({ context }: JsonObject): Askable | undefined {
  if (!isObject(context) || !isObject(context.access_request)) return undefined;
  const { evaluation_id: id, evaluated_at: at, reason, access_request: hint } = context;
  if (typeof id !== 'string' || typeof hint.expires_at !== 'string') return undefined;
  const denial: JsonObject = { evaluation_id: id, expires_at: hint.expires_at };
  if (typeof at === 'string') denial.evaluated_at = at;
  if (typeof reason === 'string') denial.reason = reason;
  return { endpoint: hint.endpoint, denial };
}

/** The object that a person approved instead, as arguments of the same action. */
function lessThanAsked(asked: FrozenAction, { type, locations: _, ...members }: JsonObject): FrozenAction {
  if (!asked.isTool) {
    if (type !== asked.name) throw new Unavailable('the approval is of another type');
    return asked.withArguments(members);
  }
  const { tool, arguments: args } = members;
  if (tool !== asked.name || !isObject(args)) throw new Unavailable('the approval is of another tool');
  return asked.withArguments(args);
}

function wholeSeconds(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
