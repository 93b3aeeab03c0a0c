// The gate's table of messages (conformance/vectors/mcp_methods.json) beside what the SDK knows: a method that comes with a newer SDK
// has no row yet, and is seen here.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  ClientNotificationSchema,
  ClientRequestSchema,
  LATEST_PROTOCOL_VERSION,
  ServerNotificationSchema,
  ServerRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { table } from './vectors.mjs';

for (const [kind, schema] of Object.entries({
  client_requests: ClientRequestSchema,
  client_notifications: ClientNotificationSchema,
  server_requests: ServerRequestSchema,
  server_notifications: ServerNotificationSchema,
})) {
  test(`each message of the SDK has a row: ${kind}`, () => {
    const rows = table('mcp_methods')[kind].filter((row) => row.in.includes(LATEST_PROTOCOL_VERSION));
    const known = schema.options.map(({ shape }) => shape.method.value);
    assert.deepEqual(rows.map(({ method }) => method).sort(), known.sort());
  });
}
