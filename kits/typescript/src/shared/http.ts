/** Requests to the authorization server: bounded in time and size, no redirect is followed, answers are JSON objects or nothing. */

import { Unavailable } from './errors.js';

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

const MAX_ANSWER_BYTES = 1024 * 1024;
/** From here on canonical JSON (RFC 8785) has an exponent, which no reader takes for an integer. */
const EXPONENT_FROM = 1e21;

export interface Answer {
  status: number;
  headers: Headers;
  /** `undefined` where the answer has no body that is a JSON object. */
  body: JsonObject | undefined;
}

export interface Asked {
  method: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds until no answer is an `Unavailable`. */
  patience: number;
  signal?: AbortSignal | undefined;
}

/** The answer with any status; no answer, or one that is too large, is `Unavailable`. */
export async function send(fetch: Fetch, url: string, asked: Asked): Promise<Answer> {
  const limit = AbortSignal.timeout(asked.patience);
  const signal = asked.signal === undefined ? limit : AbortSignal.any([limit, asked.signal]);
  try {
    const init: RequestInit = {
      method: asked.method,
      headers: { accept: 'application/json', ...asked.headers },
      redirect: 'manual',
      signal,
    };
    const response = await fetch(url, asked.body === undefined ? init : { ...init, body: asked.body });
    const body = objectOf(await limitedText(response));
    return { status: response.status, headers: response.headers, body };
  } catch (cause) {
    if (cause instanceof Unavailable) throw cause;
    throw new Unavailable('the authorization server did not answer', { cause });
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON of which every reader finds the same numbers: where canonical JSON writes another integer, the double has an exponent. */
export function jsonText(value: Json): string {
  if (typeof value === 'number' && isOtherInteger(value)) return value.toExponential();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${jsonText(one)}`).join(',')}}`;
}

/** Whether its canonical JSON is another integer for who reads integers: 1234567890123456800 of 1234567890123456768. */
export function isOtherInteger(value: number): boolean {
  const size = Math.abs(value);
  return size > Number.MAX_SAFE_INTEGER && size < EXPONENT_FROM && BigInt(String(value)) !== BigInt(value);
}

/** Seconds of `Retry-After`; dates are not used by this server. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

async function limitedText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new Unavailable(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
