/** The gate of servers with `@modelcontextprotocol/server`, for clients of both revisions: 2025-11-25 and 2026-07-28. */

import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  inputRequired,
  PROTOCOL_VERSION_META_KEY,
  type ServerContext,
} from '@modelcontextprotocol/server';

import { arrivedBy, callerBehind } from '../mcp/arrival.js';
import { listOf } from '../mcp/definition.js';
import {
  ComeAgain,
  type GateSettings,
  type Page,
  refusal,
  type Situation,
  type ToolOptions,
  Waiting,
} from '../mcp/waiting.js';
import type { Caller } from '../resource/caller.js';
import type { JsonObject } from '../shared/http.js';

interface Capabilities {
  elicitation?: { url?: object | undefined } | undefined;
}

/** Of the SDK's `McpServer`, what the gate looks at. */
interface HasClient {
  server: { getClientCapabilities(): Capabilities | undefined };
}

/** What each request of 2026-07-28 says of its client; the SDK leaves its type open. */
interface Envelope {
  [PROTOCOL_VERSION_META_KEY]?: string;
  [CLIENT_CAPABILITIES_META_KEY]?: Capabilities;
}

type Answer = CallToolResult | InputRequiredResult;

/** Our request among those that a client is to answer before it comes again. */
const APPROVAL = 'approval';
/** Ends the wait for an answer to an elicitation; the question itself ends earlier. */
const ELICITATION_TIMEOUT = 3_600_000;

export class Gate {
  readonly #waiting: Waiting;

  /** This SDK tells pages by requests and results, so there is no `urlElicitation` to choose. */
  constructor(settings: Omit<GateSettings, 'urlElicitation'>) {
    this.#waiting = new Waiting(settings);
  }

  /**
   * The handler, gated: `server.registerTool('delete_note', { inputSchema }, gate.gated(server, 'delete_note', handler))`. It runs
   * once for one permit, with the arguments that were judged.
   */
  gated<A extends object>(
    server: HasClient,
    tool: string,
    handler: (args: A, context: ServerContext) => CallToolResult | Promise<CallToolResult>,
    options: ToolOptions = {},
  ): (args: A, context: ServerContext) => Promise<Answer> {
    return async (first: A, second?: ServerContext) => {
      // A tool without arguments is called with the context alone.
      const [args, context] = second === undefined ? [{}, first as unknown as ServerContext] : [first, second];
      const given = args as JsonObject;
      const call = { tool, arguments: given, says: options.says?.(given) };
      try {
        const situation = situationOf(server, context);
        const ran = await this.#waiting.run(call, situation, (judged) => handler(judged as A, context));
        return ran instanceof ComeAgain ? comeAgain(ran) : ran;
      } catch (error) {
        return refusal(error, tool);
      }
    };
  }
}

/** The caller of a tool call, from the context that the SDK gives to handlers. */
export function callerOf(context: ServerContext): Caller {
  return callerBehind(context.http?.authInfo);
}

function situationOf(server: HasClient, context: ServerContext): Situation {
  const { mcpReq } = context;
  const gone = arrivedBy(context.http?.authInfo)?.gone;
  const envelope: Envelope = mcpReq.envelope ?? {};
  const isModern = envelope[PROTOCOL_VERSION_META_KEY] !== undefined;
  const declared = isModern ? envelope[CLIENT_CAPABILITIES_META_KEY] : server.server.getClientCapabilities();
  return {
    caller: callerOf(context),
    list: listOf(server, context),
    signal: gone === undefined ? mcpReq.signal : AbortSignal.any([mcpReq.signal, gone]),
    isModern,
    takesPages: declared?.elicitation?.url !== undefined,
    tell: teller(context),
    open: async (page, signal) => {
      const options = { signal, timeout: ELICITATION_TIMEOUT };
      return (await mcpReq.elicitInput({ mode: 'url', ...page }, options)).action;
    },
    state: mcpReq.requestState<string>(),
    hasDeclined: actionOf(mcpReq.inputResponses?.[APPROVAL]) === 'decline',
  };
}

function teller({ mcpReq }: ServerContext): Situation['tell'] {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return undefined;
  return (progress, message) => {
    const params = { progressToken: token, progress, message };
    return mcpReq.notify({ method: 'notifications/progress', params });
  };
}

function comeAgain({ state, page }: ComeAgain): InputRequiredResult {
  if (page === undefined) return inputRequired({ requestState: state });
  return inputRequired({ inputRequests: { [APPROVAL]: pageRequest(page) }, requestState: state });
}

const pageRequest = ({ message, url }: Page) => inputRequired.elicitUrl({ message, url });

function actionOf(response: unknown): unknown {
  return typeof response === 'object' && response !== null ? Reflect.get(response, 'action') : undefined;
}
