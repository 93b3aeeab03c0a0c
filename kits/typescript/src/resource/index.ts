/** The door of resource servers: who calls, whether this may happen, and a person's yes where it takes one. */

export type { Clock } from '../shared/clock.js';
export * from '../shared/errors.js';
export type { Fetch, Json, JsonObject } from '../shared/http.js';
export type { Action, Arguments, NamedAction, ToolCall } from './action.js';
export { type Actor, Caller, type Subject, type Task } from './caller.js';
export type { NodeRequest, RequestView } from './credentials.js';
export { Decisions, type DecisionsConfig, type GateOptions, type Looked } from './decisions.js';
export { answer, callerOf, protect, serveMetadata } from './express.js';
export { type Outcome, Permit, type RunOptions } from './permit.js';
export { Question, type WaitOptions } from './question.js';
export { type Reason, Rejection } from './rejection.js';
export { MAX_REMEMBERED_PROOFS, MemoryReplays, type ReplayStore } from './replays.js';
export { Verifier, type VerifierConfig } from './verifier.js';
