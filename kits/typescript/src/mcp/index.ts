/** The door of MCP servers with `@modelcontextprotocol/sdk`: who calls, and tools that wait for a person's yes. */

export * from '../shared/errors.js';
export { type AuthInfo, guard } from './arrival.js';
export { callerOf, tokenVerifier } from './auth.js';
export { Gate } from './gate.js';
export type { GateSettings, ToolOptions, WaitedBy } from './waiting.js';
