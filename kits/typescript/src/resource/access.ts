/**
 * The authorization server as the one that decides (AuthZEN 1.0; its Access Request and Approval Profile, draft 1): requests and what
 * their answers mean. An answer that is not understood permits nothing.
 */

import { randomBytes } from 'node:crypto';

import type { Clock } from '../shared/clock.js';
import { AskLater, Denied, Expired, type NotPermitted, Unavailable, UsageError } from '../shared/errors.js';
import { type Answer, type Fetch, isObject, type JsonObject, jsonText, retryAfterOf, send } from '../shared/http.js';
import { basic, type Secret } from '../shared/secret.js';
import { isSafeUrl, originOf, wellKnown } from '../shared/urls.js';

const PATIENCE = 10_000;
const METADATA_LIFETIME = 300;
/** How long the server may hold a request, in seconds. */
export const MAX_WAIT = 25;

export interface Endpoints {
  evaluation: string;
  evaluations: string | undefined;
  requests: string | undefined;
}

export class AccessServer {
  #endpoints: { found: Endpoints; at: number } | undefined;

  constructor(
    readonly issuer: string,
    private readonly credentials: { clientId: string; clientSecret: Secret } | { authorization: () => Promise<string> },
    private readonly fetch: Fetch,
    readonly clock: Clock,
  ) {}

  /** One evaluation. With a key it decides. */
  async evaluate(question: JsonObject, key: string | undefined): Promise<JsonObject> {
    const { evaluation } = await this.endpoints();
    const answer = await this.post(evaluation, question, key === undefined ? {} : { 'idempotency-key': key });
    if (answer.status === 200 && answer.body !== undefined) return answer.body;
    throw problem(answer, 'the decision');
  }

  async evaluations(question: JsonObject): Promise<JsonObject> {
    const { evaluations } = await this.endpoints();
    if (evaluations === undefined) throw new Unavailable('the server decides one at a time');
    const answer = await this.post(evaluations, question, {});
    if (answer.status === 200 && answer.body !== undefined) return answer.body;
    throw problem(answer, 'the decisions');
  }

  async requestAccess(endpoint: unknown, body: JsonObject, wait: number): Promise<JsonObject> {
    const known = endpoint ?? (await this.endpoints()).requests;
    const headers = { 'idempotency-key': freshKey(), ...prefer(wait) };
    const answer = await this.post(this.ours(known), body, headers, wait);
    if ((answer.status === 201 || answer.status === 202) && answer.body !== undefined) return answer.body;
    throw problem(answer, 'the question');
  }

  /** The state of a question, and after how many seconds it may be asked for again. */
  async status(
    url: string,
    wait: number,
    signal?: AbortSignal,
  ): Promise<{ body: JsonObject; after: number | undefined }> {
    const answer = await this.#send('GET', url, { headers: prefer(wait), patience: PATIENCE + wait * 1000, signal });
    if (answer.status === 200 && answer.body !== undefined) {
      return { body: answer.body, after: retryAfterOf(answer.headers) };
    }
    throw problem(answer, 'the state of the question');
  }

  /** The answer's status: what cannot be cancelled any more was decided. */
  async cancel(url: string, reason: string): Promise<number> {
    return (await this.post(this.ours(url), { reason }, {})).status;
  }

  /** Whether the server took it. */
  async report(outcome: JsonObject): Promise<boolean> {
    const { evaluation } = await this.endpoints();
    const answer = await this.post(evaluation.replace(/\/evaluation$/, '/outcomes'), outcome, {});
    return answer.status === 204;
  }

  /** Asks for a question that there is not, which changes nothing. */
  async check(): Promise<void> {
    const { requests } = await this.endpoints();
    if (requests === undefined) throw new Unavailable('the issuer does not say where people are asked');
    const answer = await this.#send('GET', `${requests}/none`, { headers: {}, patience: PATIENCE });
    if (isRefused(answer)) throw new UsageError(REFUSED);
    if (answer.status !== 200 && answer.status !== 404) throw problem(answer, 'the check');
  }

  /** URLs in answers lead to this server, or nowhere: our credentials go there. */
  ours(url: unknown): string {
    if (typeof url === 'string' && isSafeUrl(url) && originOf(url) === originOf(this.issuer)) return url;
    throw new Unavailable('the answer names an endpoint of another server');
  }

  async endpoints(): Promise<Endpoints> {
    const now = this.clock.now();
    const known = this.#endpoints;
    if (known !== undefined && known.at <= now && now - known.at < METADATA_LIFETIME) return known.found;
    const url = wellKnown('authzen-configuration', this.issuer);
    if (url === undefined) throw new Unavailable('the issuer is no URL');
    const { status, body } = await send(this.fetch, url, { method: 'GET', patience: PATIENCE });
    if (status !== 200 || body === undefined || body.policy_decision_point !== this.issuer) {
      throw new Unavailable(`the issuer does not say how decisions are asked for (${status})`);
    }
    const optional = (value: unknown) => (value === undefined ? undefined : this.ours(value));
    const found = {
      evaluation: this.ours(body.access_evaluation_endpoint),
      evaluations: optional(body.access_evaluations_endpoint),
      requests: optional(body.access_request_endpoint),
    };
    this.#endpoints = { found, at: now };
    return found;
  }

  post(url: string, body: JsonObject, headers: Record<string, string>, wait = 0): Promise<Answer> {
    return this.#send('POST', url, {
      headers: { 'content-type': 'application/json', ...headers },
      body: jsonText(body),
      patience: PATIENCE + wait * 1000,
    });
  }

  async #send(
    method: 'GET' | 'POST',
    url: string,
    asked: { headers: Record<string, string>; body?: string; patience: number; signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    const authorization =
      'authorization' in this.credentials
        ? await this.credentials.authorization()
        : basic(this.credentials.clientId, this.credentials.clientSecret);
    return send(this.fetch, url, { method, ...asked, headers: { ...asked.headers, authorization } });
  }
}

/** Random for each run of a handler, never taken from a client. */
export function freshKey(): string {
  return randomBytes(24).toString('base64url');
}

function prefer(wait: number): Record<string, string> {
  return wait > 0 ? { prefer: `wait=${wait}` } : {};
}

/** The same sentence in each kit. */
const REFUSED =
  'the issuer refuses the credentials of this server: its client secret is what `writ client add` printed, ' +
  "and `client_id` of the resource's record names this client";

function isRefused({ status }: Answer): boolean {
  return status === 401 || status === 403;
}

const PROBLEM = 'urn:openid:authzen:access-request:error:';
/** The person said no to this very call just before. */
const DENIED = 'urn:writ:access-request:denied';

/** What an answer means that is neither a decision nor a question. */
function problem(answer: Answer, what: string): NotPermitted {
  const { status, headers, body } = answer;
  const title = isObject(body) && typeof body.title === 'string' ? body.title : undefined;
  if (status === 429) return new AskLater(retryAfterOf(headers) ?? 60, title);
  const type = isObject(body) && typeof body.type === 'string' ? body.type : '';
  if (type === DENIED) return new Denied('person', 'the person said no');
  if (isRefused(answer)) return new Unavailable(REFUSED);
  if (type === `${PROBLEM}expired_denial` || type === `${PROBLEM}task_expired`)
    return new Expired(title ?? 'it is over');
  const code = isObject(body) && typeof body.error === 'string' ? body.error : type.replace(PROBLEM, '');
  const described = isObject(body) && typeof body.error_description === 'string' ? `: ${body.error_description}` : '';
  return new Unavailable(`${what} could not be had (${status}${code === '' ? '' : ` ${code}`}${described})`);
}
