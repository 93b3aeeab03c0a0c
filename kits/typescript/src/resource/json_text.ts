/**
 * Arguments by the JSON text that came (RFC 8259): what `JSON.parse` loses, digits and members that are there twice, is refused with its
 * place, as the server does.
 */

import { ArgumentsInvalid } from '../shared/errors.js';
import { isObject, type JsonObject } from '../shared/http.js';

/** Lists and objects around a value, the outermost among them. */
export const MAX_DEPTH = 32;
export const INEXACT = 'this number is not read alike by every parser: send it as text';

/** The object of a text, with each number as its double. */
export function readObject(text: string, pointer: string): JsonObject {
  const value = parsed(text);
  if (!isObject(value)) throw ArgumentsInvalid.notJudged(pointer, 'this is no JSON object');
  new TokenReader(text).judge(pointer, MAX_DEPTH);
  return value;
}

export function tooDeep(pointer: string): ArgumentsInvalid {
  return ArgumentsInvalid.notJudged(pointer, `this is more than ${MAX_DEPTH} lists and objects deep`);
}

export function step(pointer: string, name: string | number): string {
  return `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of a text that is JSON: its grammar was judged. */
class TokenReader {
  /** A string, a bracket, or a word; commas, colons and white space belong to what follows. */
  readonly #token = /[\s,:]*("(?:[^"\\]+|\\.)*"|[{}[\]]|[^\s,:{}[\]"]+)/y;

  constructor(private readonly text: string) {}

  /** The next value, with at most so many more lists and objects around one in it. */
  judge(pointer: string, left: number, first: string = this.#next()): void {
    if (first === '{' && left > 0) this.#judgeMembers(pointer, left - 1);
    else if (first === '[' && left > 0) this.#judgeItems(pointer, left - 1);
    else if (/^[-\d]/.test(first) && !isExact(first)) throw ArgumentsInvalid.notJudged(pointer, INEXACT);
    else if (first === '{' || first === '[') throw tooDeep(pointer);
  }

  #judgeMembers(pointer: string, left: number): void {
    const names = new Set<string>();
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      const name = JSON.parse(token) as string;
      if (names.has(name)) throw ArgumentsInvalid.notJudged(pointer, `the member \`${name}\` is there twice`);
      names.add(name);
      this.judge(step(pointer, name), left);
    }
  }

  #judgeItems(pointer: string, left: number): void {
    let place = 0;
    for (let token = this.#next(); token !== ']'; token = this.#next()) {
      this.judge(step(pointer, place), left, token);
      place += 1;
    }
  }

  #next(): string {
    const token = this.#token.exec(this.text)?.[1];
    if (token === undefined) throw new TypeError('the text ends before its value');
    return token;
  }
}

/** An integer is the double itself, another number has the digits of its canonical text (RFC 8785 section 3.2.2.3). */
function isExact(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  return /^-?\d+$/.test(text) ? BigInt(text) === BigInt(value) : decimal(text) === decimal(String(value));
}

/** Digits without zeros around them, and the power of ten of the last one: one text for each number. */
function decimal(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  if (end === 0) return '0';
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - end);
  return `${text.startsWith('-') ? '-' : ''}${digits.slice(0, end)}e${power}`;
}
