/** The gate of servers with `@modelcontextprotocol/sdk`: of what the SDK knows, what a wait for a person needs (`waiting.ts`). */

import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolResult,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';

import type { JsonObject } from '../shared/http.js';
import { arrivedBy } from './arrival.js';
import { callerOf } from './auth.js';
import { listOf } from './definition.js';
import {
  ComeAgain,
  type GateSettings,
  PageWanted,
  refusal,
  type Situation,
  type ToolOptions,
  Waiting,
} from './waiting.js';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Of the SDK's `McpServer`, what the gate looks at. */
interface HasClient {
  server: { getClientCapabilities(): { elicitation?: { url?: object | undefined } | undefined } | undefined };
}

/** Ends the wait for an answer to an elicitation; the question itself ends earlier. */
const ELICITATION_TIMEOUT = 3_600_000;

export class Gate {
  readonly #waiting: Waiting;

  constructor(settings: GateSettings) {
    this.#waiting = new Waiting(settings);
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
      const given = args as JsonObject;
      const call = { tool, arguments: given, says: options.says?.(given) };
      try {
        const ran = await this.#waiting.run(call, situationOf(server, extra), (judged) => handler(judged as A, extra));
        if (ran instanceof ComeAgain) throw new Error('this SDK carries no state');
        return ran;
      } catch (error) {
        if (!(error instanceof PageWanted)) return refusal(error, tool);
        const { page, cause } = error;
        if (page !== undefined) throw new UrlElicitationRequiredError([{ mode: 'url', ...page }], page.message);
        return refusal(cause, tool);
      }
    };
  }
}

function situationOf(server: HasClient, extra: Extra): Situation {
  const gone = arrivedBy(extra.authInfo)?.gone;
  return {
    caller: callerOf(extra),
    list: listOf(server, extra),
    signal: gone === undefined ? extra.signal : AbortSignal.any([extra.signal, gone]),
    isModern: false,
    takesPages: server.server.getClientCapabilities()?.elicitation?.url !== undefined,
    tell: teller(extra),
    open: async (page, signal) => {
      const options = { signal, timeout: ELICITATION_TIMEOUT };
      const asked = { method: 'elicitation/create' as const, params: { mode: 'url' as const, ...page } };
      return (await extra.sendRequest(asked, ElicitResultSchema, options)).action;
    },
    state: undefined,
    hasDeclined: false,
  };
}

function teller(extra: Extra): Situation['tell'] {
  const token = extra._meta?.progressToken;
  if (token === undefined) return undefined;
  return (progress, message) => {
    const params = { progressToken: token, progress, message };
    return extra.sendNotification({ method: 'notifications/progress', params });
  };
}
