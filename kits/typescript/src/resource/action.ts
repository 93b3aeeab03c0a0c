/**
 * What is about to happen, as one text: it is what is sent to be judged, and what the handler is given. Whatever two JSON parsers
 * might read differently is refused before anything is sent.
 */

import { ArgumentsInvalid, UsageError } from '../shared/errors.js';
import { isObject, isOtherInteger, type Json, type JsonObject, jsonText } from '../shared/http.js';
import { INEXACT, MAX_DEPTH, readObject, step, tooDeep } from './json_text.js';

const MAX_ARGUMENT_BYTES = 64 * 1024;
/** Where arguments are: the place of what is wrong with them begins so, as the server's does. */
const ARGUMENTS = '/arguments';

export type Arguments = { readonly [member: string]: unknown };

/** A type of `authorization_details`, or an action that the resource's record maps, with what is concretely to be done. */
export interface NamedAction {
  name: string;
  /** A string is their JSON text as it came: of what was parsed, nobody knows which digits and members are lost. */
  arguments?: Arguments | string;
}

/** A call of an MCP tool. */
export interface ToolCall {
  tool: string;
  /** A string is their JSON text, as above. */
  arguments?: Arguments | string;
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
    const given = action.arguments ?? {};
    const text =
      typeof given === 'string' ? textOf(readObject(given, ARGUMENTS), plainNumber) : textOf(given, checkNumber);
    return new FrozenAction(name, isTool, hash, text);
  }

  /** The same action with what a person approved instead, as the server wrote it: less than was asked. */
  withArguments(approved: JsonObject): FrozenAction {
    return new FrozenAction(this.name, this.isTool, this.definitionHash, textOf(approved, plainNumber));
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

/** Whether a number may be taken, and its one form. */
type NumberRule = (value: number, pointer: string) => number;

function textOf(value: Arguments, number: NumberRule): string {
  if (!isObject(value)) throw new UsageError('the arguments are no object');
  const text = jsonText(check(value, MAX_DEPTH, ARGUMENTS, number));
  if (Buffer.byteLength(text) > MAX_ARGUMENT_BYTES) {
    throw ArgumentsInvalid.notJudged(ARGUMENTS, `this is larger than ${MAX_ARGUMENT_BYTES} bytes of JSON`);
  }
  return text;
}

/** `left`: how many lists and objects may still stand around a value. */
function check(value: unknown, left: number, pointer: string, number: NumberRule): Json {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return checkText(value, pointer);
  if (typeof value === 'number') return number(value, pointer);
  if (typeof value !== 'object') throw notJson(pointer);
  if (left === 0) throw tooDeep(pointer);
  if (Array.isArray(value)) return Array.from(value, (one, at) => check(one, left - 1, step(pointer, at), number));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(pointer);
  const plain: JsonObject = Object.create(null) as JsonObject;
  for (const [name, member] of Object.entries(value)) {
    // An optional member that was not given.
    if (member === undefined) continue;
    plain[checkText(name, pointer)] = check(member, left - 1, step(pointer, name), number);
  }
  return plain;
}

/** Of a double that canonical JSON (RFC 8785) writes as another integer nobody knows here whether it was that integer. */
function checkNumber(value: number, pointer: string): number {
  if (!Number.isFinite(value) || isOtherInteger(value)) throw ArgumentsInvalid.notJudged(pointer, INEXACT);
  return plainNumber(value);
}

/** Of a text that was judged. There is one zero. */
function plainNumber(value: number): number {
  return value === 0 ? 0 : value;
}

function checkText(text: string, pointer: string): string {
  if (!text.isWellFormed()) throw ArgumentsInvalid.notJudged(pointer, 'this is not Unicode');
  const control = CONTROL.exec(text)?.[0];
  if (control !== undefined)
    throw ArgumentsInvalid.notJudged(pointer, `a text has the control character ${code(control)}`);
  const other = NONCHARACTER.exec(text)?.[0];
  if (other !== undefined) throw ArgumentsInvalid.notJudged(pointer, `a text has the noncharacter ${code(other)}`);
  return text;
}

function code(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function notJson(pointer: string): UsageError {
  return new UsageError(`the argument \`${pointer}\` is not JSON`);
}

/** No server keeps these: tabs and line ends alone are taken. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** Canonical JSON (RFC 8785) has no form for these (RFC 7493 section 2.1). */
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

function deepFreeze<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
