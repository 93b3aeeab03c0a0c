/**
 * A tool that waits for a yes, whichever SDK serves it. How the client is made to wait, best first: it declares URL elicitation and gets
 * the approval page; it sent a progress token and hears of progress; it speaks 2026-07-28 and carries our state; none of these, and it is
 * told to call again.
 */

import { createHash } from 'node:crypto';

import type { Caller } from '../resource/caller.js';
import type { Decisions, GateOptions } from '../resource/decisions.js';
import { Permit } from '../resource/permit.js';
import { Question, type WaitOptions } from '../resource/question.js';
import { Cancelled, NotPermitted, StillWaiting, UsageError } from '../shared/errors.js';
import type { JsonObject } from '../shared/http.js';
import { definitionHash, type ListTools } from './definition.js';
import { StateSealer } from './state.js';

/** For the record: by what the client was made to wait. */
export type WaitedBy = 'url_elicitation' | 'url_elicitation_required' | 'progress' | 'input_required' | 'call_again';

export interface GateSettings {
  decisions: Decisions;
  /** Seconds between two notifications of progress. */
  progressEvery?: number;
  /** Seconds after which a client that can only call again is told so. */
  patience?: number;
  /** Seconds after which every client is told to call again; by default the wait ends with the question. */
  holdFor?: number;
  /**
   * `required`: the client is told the page in the error -32042 and calls again, for servers that cannot send requests
   * (`enableJsonResponse`). `request`: `elicitation/create`, while the call is held.
   */
  urlElicitation?: 'request' | 'required';
  /** Seals what clients of 2026-07-28 carry: the same for all processes behind one name; by default a random one of this process. */
  stateSecret?: string;
  /** Hears of each call that waits. */
  waiting?: (by: WaitedBy, tool: string) => void;
}

export interface ToolOptions {
  /** Shown to the person as this server's own words; at most 140 characters. */
  says?: (args: JsonObject) => string;
}

/** A page at which the person decides. */
export interface Page {
  message: string;
  url: string;
  elicitationId: string;
}

/** What the SDK knows of the message behind a call. */
export interface Situation {
  caller: Caller;
  list: ListTools;
  /** Aborted when the call is cancelled or its connection closed. */
  signal: AbortSignal;
  /** 2026-07-28: the server answers with what it wants, and the client comes again. */
  isModern: boolean;
  takesPages: boolean;
  /** Where the client asked for it. */
  tell: ((progress: number, message: string) => Promise<void>) | undefined;
  /** Opens the page by a request to the client; its `action`. */
  open: (page: Page, signal: AbortSignal) => Promise<string>;
  /** What an earlier round of the same call left with the client. */
  state: string | undefined;
  hasDeclined: boolean;
}

export interface GatedCall {
  tool: string;
  arguments: JsonObject;
  says: string | undefined;
}

/** What the model reads of a tool that did nothing. */
export interface ToolRefusal {
  content: { type: 'text'; text: string }[];
  isError: true;
  _meta: Record<string, unknown>;
  [member: string]: unknown;
}

/** A client gives up after ten rounds of one call. */
const MAX_ROUNDS = 8;
const ROUND_SECONDS = 20;

/** The client is to come again with this state, and to open the page where there is one. */
export class ComeAgain {
  constructor(
    readonly state: string,
    readonly page: Page | undefined,
  ) {}
}

export class Waiting {
  readonly #settings: GateSettings;
  readonly #sealer: StateSealer;

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#sealer = new StateSealer(settings.stateSecret);
  }

  /** What the handler answered, once for one permit; what is thrown says why it did not run. */
  async run<R>(
    call: GatedCall,
    situation: Situation,
    handler: (args: JsonObject) => R | Promise<R>,
  ): Promise<R | ComeAgain> {
    const { decisions } = this.#settings;
    const way = this.#way(situation);
    const ended = new AbortController();
    const options = this.#options<R>(way, call, situation, ended.signal);
    // Of a question that was asked before, nobody is told again.
    const { asked: _, ...asking } = options;
    const hash = await definitionHash(call.tool, situation.list);
    const action = { tool: call.tool, arguments: call.arguments, definitionHash: hash };
    const owner = ownerOf(call.tool, situation.caller);
    try {
      if (situation.state !== undefined) {
        const { id, rounds } = this.#sealer.open(situation.state, owner);
        return await this.#resume({ id, rounds, owner, situation, call }, (holdFor) =>
          decisions.resume(situation.caller, action, id, handler, { ...asking, holdFor }),
        );
      }
      if (!situation.isModern || way === 'progress') {
        return await decisions.gated(situation.caller, action, handler, options);
      }
      const asked = await decisions.ask(situation.caller, action, asking as GateOptions<never>);
      if (asked instanceof Permit) return await asked.run(handler, options);
      this.#settings.waiting?.(way, call.tool);
      const state = this.#sealer.seal({ id: asked.id, rounds: 0 }, owner);
      return new ComeAgain(state, situation.takesPages ? pageOf(asked, call.tool) : undefined);
    } catch (error) {
      throw way === 'url_elicitation_required' ? new PageWanted(error, call.tool) : error;
    } finally {
      // A page that nobody needs any more is taken back.
      ended.abort();
    }
  }

  async #resume<R>(
    { id, rounds, owner, situation, call }: Round,
    resume: (holdFor: number) => Promise<R>,
  ): Promise<R | ComeAgain> {
    const { decisions, holdFor = ROUND_SECONDS } = this.#settings;
    if (situation.hasDeclined) {
      await (await Question.resume(decisions.server, id)).cancel('declined');
      throw new Cancelled('declined');
    }
    try {
      return await resume(holdFor);
    } catch (error) {
      if (!(error instanceof StillWaiting) || rounds + 1 >= MAX_ROUNDS) throw error;
      this.#settings.waiting?.('input_required', call.tool);
      return new ComeAgain(this.#sealer.seal({ id, rounds: rounds + 1 }, owner), undefined);
    }
  }

  #way({ takesPages, isModern, tell }: Situation): WaitedBy {
    if (takesPages) {
      const byRequest = isModern || this.#settings.urlElicitation !== 'required';
      return byRequest ? 'url_elicitation' : 'url_elicitation_required';
    }
    if (tell !== undefined) return 'progress';
    return isModern ? 'input_required' : 'call_again';
  }

  #options<R>(way: WaitedBy, call: GatedCall, situation: Situation, ended: AbortSignal): GateOptions<R> {
    const { patience = 8, holdFor, progressEvery = 4, waiting } = this.#settings;
    const hold = way === 'call_again' ? patience : way === 'url_elicitation_required' ? 0 : holdFor;
    const failed = (result: R) => (result as { isError?: unknown }).isError === true;
    return {
      ...(call.says === undefined ? {} : { says: call.says }),
      waitedBy: way,
      callAgain: way === 'call_again' || way === 'url_elicitation_required' || holdFor !== undefined,
      ...(hold === undefined ? {} : { holdFor: hold }),
      ...progressOf(call.tool, situation, progressEvery),
      signal: situation.signal,
      failed,
      asked: (question) => {
        waiting?.(way, call.tool);
        if (way === 'url_elicitation' && !situation.isModern) elicit(question, call.tool, situation, ended);
      },
    };
  }
}

interface Round {
  id: string;
  rounds: number;
  owner: string;
  situation: Situation;
  call: GatedCall;
}

/** What went wrong, for a client that is told the page in an error. */
export class PageWanted {
  readonly page: Page | undefined;

  constructor(
    readonly cause: unknown,
    tool: string,
  ) {
    this.page =
      cause instanceof StillWaiting && cause.review !== undefined
        ? { message: words(tool), url: cause.review, elicitationId: cause.task }
        : undefined;
  }
}

/** Whose state it is. */
function ownerOf(tool: string, { client, claims, subject }: Caller): string {
  const act = claims.act as { dlg?: unknown } | undefined;
  const parts = [tool, subject.id, client, act?.dlg ?? claims.dlg ?? ''];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/**
 * A notification every few seconds, where the client asked for them. The number rises and stays below zero, so that the tool's own
 * progress rises after it (MCP 2025-11-25, progress).
 */
function progressOf(tool: string, { tell }: Situation, every: number): WaitOptions {
  if (tell === undefined) return {};
  let told = 0;
  return {
    poll: every,
    progress: (_, review) => {
      told += 1;
      // Clients show the message: who reads it may be the person. One that does not hear it still waits for the answer.
      const page = review === undefined ? '' : `: decide here: ${review}`;
      tell(-1 / told, `waiting for a person's yes to ${tool}${page}`).catch(() => undefined);
    },
  };
}

/** Sends the page; the answer to the question is polled for beside it, for the person may decide elsewhere. */
function elicit(question: Question, tool: string, situation: Situation, ended: AbortSignal): void {
  const page = pageOf(question, tool);
  if (page === undefined) return;
  situation.open(page, AbortSignal.any([situation.signal, ended])).then(
    (action) => {
      // Who closes the page may still decide on the phone; who declines wants no question.
      if (action === 'decline') question.cancel('declined').catch(() => false);
    },
    () => undefined,
  );
}

function pageOf({ id, review }: Question, tool: string): Page | undefined {
  return review === undefined ? undefined : { message: words(tool), url: review, elicitationId: id };
}

export function words(tool: string): string {
  return `A person must agree to ${tool}: open the page to decide`;
}

/** What the model reads. A protocol error goes on as one; anything else that went wrong permits nothing. */
export function refusal(error: unknown, tool: string): ToolRefusal {
  if (!(error instanceof NotPermitted || error instanceof UsageError)) throw error;
  const code = error instanceof NotPermitted ? error.code : 'usage';
  const text =
    error instanceof StillWaiting
      ? `Waiting for a person's yes to ${tool}. Nothing was done. ` +
        'Call this tool again with the same arguments in a few seconds to find the answer.' +
        (error.review === undefined ? '' : ` The person can decide here: ${error.review}`)
      : error instanceof NotPermitted
        ? error.sentence
        : `${tool} was not called: ${error.message}.`;
  const meta: Record<string, unknown> = { 'writ/code': code };
  if ('retryAfter' in error) meta['writ/retry_after'] = error.retryAfter;
  return { content: [{ type: 'text', text }], isError: true, _meta: meta };
}
