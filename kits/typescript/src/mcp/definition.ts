/** What a server says of a tool now, as the hash by which an operator confirmed it (docs/mcp.md). */

import { createHash } from 'node:crypto';

import { isObject, type Json, type JsonObject } from '../shared/http.js';

/** Pages of one list of tools. */
const MAX_PAGES = 32;

/** One page of `tools/list`, as this server answers it. */
export type ListTools = (params: JsonObject) => unknown;

/**
 * What `tools/list` of this server answers. The SDK has no public way to ask a server for its own list; where this one finds none, no
 * hash is sent, and a person is asked.
 */
export function listOf({ server }: { server: object }, extra: unknown): ListTools {
  const handlers: unknown = Reflect.get(server, '_requestHandlers');
  const list: unknown = handlers instanceof Map ? handlers.get('tools/list') : undefined;
  return (params) => (typeof list === 'function' ? list({ method: 'tools/list', params }, extra) : {});
}

/** Of the tool's member of `tools/list`; `undefined` where the server lists none of this name: then a person is asked. */
export async function definitionHash(tool: string, list: ListTools): Promise<string | undefined> {
  let cursor: Json | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answered = await list(cursor === undefined ? {} : { cursor });
    // As it goes over the wire: what is undefined there is not.
    const { tools, nextCursor } = JSON.parse(JSON.stringify(answered)) as JsonObject;
    const found = (Array.isArray(tools) ? tools : []).find((one) => isObject(one) && one.name === tool);
    if (found !== undefined) return hashOf(found);
    if (typeof nextCursor !== 'string') return undefined;
    cursor = nextCursor;
  }
  return undefined;
}

/** SHA-256 of canonical JSON (RFC 8785), in base64url. */
export function hashOf(definition: Json): string {
  return createHash('sha256').update(canonical(definition)).digest('base64url');
}

/** RFC 8785: members by their UTF-16 code units; numbers and texts are those of ECMAScript. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join(',')}}`;
}
