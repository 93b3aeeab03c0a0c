/** The door of MCP servers with `@modelcontextprotocol/server`: who calls, and tools that wait for a person's yes. */

export { type AuthInfo, guard } from '../mcp/arrival.js';
export type { GateSettings, ToolOptions, WaitedBy } from '../mcp/waiting.js';
export * from '../shared/errors.js';
export { callerOf, Gate } from './gate.js';
