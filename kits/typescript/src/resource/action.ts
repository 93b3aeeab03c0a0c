/**
 * What is about to happen, as one text: it is what is sent to be judged, and what the handler is given. Whatever two JSON parsers
 * might read differently is refused before anything is sent.
 */

import { UsageError } from '../shared/errors.js';
import { isObject, type Json, type JsonObject } from '../shared/http.js';

const MAX_ARGUMENT_BYTES = 64 * 1024;
const MAX_DEPTH = 32;

export type Arguments = { readonly [member: string]: unknown };

/** A type of `authorization_details`, or an action that the resource's record maps, with what is concretely to be done. */
export interface NamedAction {
  name: string;
  arguments?: Arguments;
}

/** A call of an MCP tool. */
export interface ToolCall {
  tool: string;
  arguments?: Arguments;
  /** Of what the server says of the tool now (docs/mcp.md): under another one than the record's a person is asked. */
  definitionHash?: string | undefined;
}

export type Action = NamedAction | ToolCall;

/** Taken once; what its maker does with the arguments afterwards changes nothing. */
export class FrozenAction {
  private constructor(
    readonly name: string,
    readonly isTool: boolean,
    readonly definitionHash: string | undefined,
    private readonly text: string,
  ) {}

  static of(action: Action): FrozenAction {
    const isTool = 'tool' in action;
    const name = isTool ? action.tool : action.name;
    if (typeof name !== 'string' || name === '') throw new UsageError('an action has a name');
    const hash = isTool ? action.definitionHash : undefined;
    return new FrozenAction(name, isTool, hash, textOf(action.arguments ?? {}));
  }

  /** The same action with what a person approved instead: less than was asked. */
  withArguments(approved: JsonObject): FrozenAction {
    return new FrozenAction(this.name, this.isTool, this.definitionHash, textOf(approved));
  }

  /** A copy that nobody else holds, deeply frozen. */
  get arguments(): JsonObject {
    return deepFreeze(JSON.parse(this.text) as JsonObject);
  }

  /** `action` and `resource` of a request (AuthZEN 1.0; for tools its binding to MCP). */
  wire(resource: string): { action: JsonObject; resource: JsonObject } {
    const properties = JSON.parse(this.text) as JsonObject;
    return this.isTool
      ? {
          action: { name: 'tools/call', properties: { arguments: properties } },
          resource: { type: 'tool', id: this.name },
        }
      : { action: { name: this.name, properties }, resource: { type: 'resource', id: resource } };
  }
}

function textOf(value: Arguments): string {
  if (!isObject(value)) throw new UsageError('the arguments are no object');
  const plain = check(value, 1, '');
  const text = JSON.stringify(plain);
  if (Buffer.byteLength(text) > MAX_ARGUMENT_BYTES) {
    throw new UsageError(`the arguments have more than ${MAX_ARGUMENT_BYTES} bytes`);
  }
  return text;
}

function check(value: unknown, depth: number, pointer: string): Json {
  const refuse = (why: string) => new UsageError(`the argument \`${pointer === '' ? '/' : pointer}\` ${why}`);
  if (depth > MAX_DEPTH) throw refuse(`is nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw refuse('is not Unicode');
    return value;
  }
  if (typeof value === 'number') {
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    if (!exact || Object.is(value, -0)) throw refuse('is a number that not every parser reads alike: send it as text');
    return value;
  }
  if (Array.isArray(value)) return Array.from(value, (one, at) => check(one, depth + 1, `${pointer}/${at}`));
  if (typeof value !== 'object') throw refuse('is not JSON');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse('is not JSON');
  const plain: JsonObject = Object.create(null) as JsonObject;
  for (const [name, member] of Object.entries(value)) {
    // An optional member that was not given.
    if (member === undefined) continue;
    if (!name.isWellFormed()) throw refuse('has a member whose name is not Unicode');
    plain[name] = check(member, depth + 1, `${pointer}/${name}`);
  }
  return plain;
}

function deepFreeze<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
