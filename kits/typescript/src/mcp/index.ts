/** The door of MCP servers: who calls, and tools that wait for a person's yes. */

export * from '../shared/errors.js';
export { callerOf, guard, tokenVerifier } from './auth.js';
export { Gate, type GateSettings, type ToolOptions, type WaitedBy } from './gate.js';
