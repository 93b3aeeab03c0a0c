/**
 * A tool that waits for a yes. How the client is made to wait, best first: it declares URL elicitation and gets the approval page; it
 * sent a progress token and hears of progress; neither, and it is told to call again.
 */

import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolResult,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';

import type { Decisions, GateOptions } from '../resource/decisions.js';
import type { Question, WaitOptions } from '../resource/question.js';
import { NotPermitted, StillWaiting, UsageError } from '../shared/errors.js';
import type { JsonObject } from '../shared/http.js';
import { arrivedBy, callerOf } from './auth.js';
import { definitionHash, type ListTools } from './definition.js';

/** For the record: by what the client was made to wait. */
export type WaitedBy = 'url_elicitation' | 'url_elicitation_required' | 'progress' | 'call_again';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Of the SDK's `McpServer`, what the gate looks at. */
interface HasClient {
  server: { getClientCapabilities(): { elicitation?: { url?: object | undefined } | undefined } | undefined };
}

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
  /** Hears of each call that waits. */
  waiting?: (by: WaitedBy, tool: string) => void;
}

export interface ToolOptions {
  /** Shown to the person as this server's own words; at most 140 characters. */
  says?: (args: JsonObject) => string;
}

/** Ends the wait for an answer to an elicitation; the question itself ends earlier. */
const ELICITATION_TIMEOUT = 3_600_000;

export class Gate {
  readonly #settings: Required<Omit<GateSettings, 'holdFor'>> & { holdFor: number | undefined };

  constructor(settings: GateSettings) {
    this.#settings = {
      decisions: settings.decisions,
      progressEvery: settings.progressEvery ?? 4,
      patience: settings.patience ?? 8,
      holdFor: settings.holdFor,
      urlElicitation: settings.urlElicitation ?? 'request',
      waiting: settings.waiting ?? (() => undefined),
    };
  }

  /**
   * The handler, gated: `server.registerTool('delete_note', { inputSchema }, gate.gated(server, 'delete_note', handler))`. It runs
   * once for one permit, with the arguments that were judged.
   */
  gated<A extends object>(
    server: HasClient,
    tool: string,
    handler: (args: A, extra: Extra) => CallToolResult | Promise<CallToolResult>,
    options: ToolOptions = {},
  ): (args: A, extra: Extra) => Promise<CallToolResult> {
    return async (first: A, second?: Extra) => {
      // A tool without arguments is called with `extra` alone.
      const [args, extra] = second === undefined ? [{}, first as unknown as Extra] : [first, second];
      const arrival = arrivedBy(extra.authInfo);
      const signal = arrival?.gone === undefined ? extra.signal : AbortSignal.any([extra.signal, arrival.gone]);
      const way = this.#way(server, extra);
      const ended = new AbortController();
      const gate: GateOptions<CallToolResult> = {
        ...(options.says === undefined ? {} : { says: options.says(args as JsonObject) }),
        ...this.#wait(way, tool, { ...extra, signal: AbortSignal.any([signal, ended.signal]) }),
        signal,
        failed: (result) => result.isError === true,
      };
      try {
        const hash = await definitionHash(tool, listOf(server, extra));
        const call = { tool, arguments: args as JsonObject, definitionHash: hash };
        return await this.#settings.decisions.gated(
          callerOf(extra),
          call,
          (judged) => handler(judged as A, extra),
          gate,
        );
      } catch (error) {
        return refused(way === 'url_elicitation_required' ? elicitation(error, tool) : error, tool);
      } finally {
        // A page that nobody needs any more is taken back.
        ended.abort();
      }
    };
  }

  #way(server: HasClient, extra: Extra): WaitedBy {
    if (server.server.getClientCapabilities()?.elicitation?.url !== undefined) {
      return this.#settings.urlElicitation === 'request' ? 'url_elicitation' : 'url_elicitation_required';
    }
    return extra._meta?.progressToken === undefined ? 'call_again' : 'progress';
  }

  #wait(way: WaitedBy, tool: string, extra: Extra): GateOptions<CallToolResult> {
    const { progressEvery, patience, holdFor, waiting } = this.#settings;
    const callAgain = way === 'call_again' || way === 'url_elicitation_required' || holdFor !== undefined;
    const hold = way === 'call_again' ? patience : way === 'url_elicitation_required' ? 0 : holdFor;
    return {
      waitedBy: way,
      callAgain,
      ...(hold === undefined ? {} : { holdFor: hold }),
      ...progressOf(tool, extra, progressEvery),
      asked: (question) => {
        waiting(way, tool);
        if (way === 'url_elicitation') elicit(question, tool, extra);
      },
    };
  }
}

/**
 * What `tools/list` of this server answers. The SDK has no public way to ask a server for its own list; where this one finds none, no
 * hash is sent, and a person is asked.
 */
function listOf({ server }: HasClient, extra: Extra): ListTools {
  const handlers: unknown = Reflect.get(server, '_requestHandlers');
  const list: unknown = handlers instanceof Map ? handlers.get('tools/list') : undefined;
  return (params) => (typeof list === 'function' ? list({ method: 'tools/list', params }, extra) : {});
}

/** A notification every few seconds, where the client asked for them. */
function progressOf(tool: string, extra: Extra, every: number): WaitOptions {
  const token = extra._meta?.progressToken;
  if (token === undefined) return {};
  let progress = 0;
  const message = `waiting for a person's yes to ${tool}`;
  return {
    poll: every,
    progress: () => {
      progress += 1;
      const notification = {
        method: 'notifications/progress' as const,
        params: { progressToken: token, progress, message },
      };
      // A client that does not hear it still waits for the answer.
      extra.sendNotification(notification).catch(() => undefined);
    },
  };
}

/** Sends the page; the answer to the question is polled for beside it, for the person may decide elsewhere. */
function elicit(question: Question, tool: string, extra: Extra): void {
  if (question.review === undefined) return;
  const params = { mode: 'url' as const, message: words(tool), url: question.review, elicitationId: question.id };
  const options = { signal: extra.signal, timeout: ELICITATION_TIMEOUT };
  extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema, options).then(
    ({ action }) => {
      // Who closes the page may still decide on the phone; who declines wants no question.
      if (action === 'decline') question.cancel('declined').catch(() => false);
    },
    () => undefined,
  );
}

/** The error -32042 with the page, where a question waits. */
function elicitation(error: unknown, tool: string): unknown {
  if (!(error instanceof StillWaiting) || error.review === undefined) return error;
  const page = { mode: 'url' as const, message: words(tool), url: error.review, elicitationId: error.task };
  return new UrlElicitationRequiredError([page], words(tool));
}

function words(tool: string): string {
  return `A person must agree to ${tool}: open the page, or decide on the phone`;
}

/** What the model reads. A protocol error goes on as one; anything else that went wrong permits nothing. */
function refused(error: unknown, tool: string): CallToolResult {
  if (!(error instanceof NotPermitted || error instanceof UsageError)) throw error;
  const code = error instanceof NotPermitted ? error.code : 'usage';
  const text =
    error instanceof StillWaiting
      ? `A person was asked on their phone to allow ${tool} and has not decided yet. Nothing was done. ` +
        'Call this tool again with the same arguments in a few seconds to find the answer.' +
        (error.review === undefined ? '' : ` The person can decide here: ${error.review}`)
      : error instanceof NotPermitted
        ? `${tool} was not done: ${error.message}. ${error.advice}.`
        : `${tool} was not done: ${error.message}.`;
  const meta: Record<string, unknown> = { 'writ/code': code };
  if ('retryAfter' in error) meta['writ/retry_after'] = error.retryAfter;
  return { content: [{ type: 'text', text }], isError: true, _meta: meta };
}
