/**
 * The caller of an accepted request, from claims whose signature, issuer, audience and time were checked (RFC 9068, RFC 8693
 * section 4.1). Read strictly: a token with a claim that is not understood is refused.
 */

import { secondsOf } from '../shared/clock.js';
import { isObject, type Json, type JsonObject } from '../shared/http.js';
import type { Secret } from '../shared/secret.js';
import { type Challenger, Refusal, Rejection, type Scheme } from './rejection.js';

/** More `act` objects than the issuer makes are refused. */
const MAX_ACTORS = 4;
const ACTOR_PROFILES = ['ai_agent', 'native_app', 'web_app'];

export interface Subject {
  kind: 'person' | 'agent' | 'client';
  id: string;
}

export interface Actor {
  iss: string;
  sub: string;
  /** `dlg`: the delegation that made this hop. */
  delegation: string;
}

/** The unit of work (`mission`). */
export interface Task {
  id: string;
  issuer: string;
  /** The text that a person approved, if this resource asks for it. */
  purpose: string | undefined;
  authorityHash: string;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** What a decision is asked with: never printed, sent to the authorization server alone. */
export interface Presented {
  token: Secret;
  dpop: { proof: Secret; htm: string; htu: string } | undefined;
}

/** For whom, by which agents, in which task, with which authority: never a bare `sub`. */
export class Caller {
  readonly subject: Subject;
  /** Outermost first; empty for a client that acts for itself. */
  readonly actors: readonly Actor[];
  readonly client: string;
  readonly task: Task | undefined;
  readonly scopes: ReadonlySet<string>;
  /** `authorization_details` of the token. */
  readonly details: readonly JsonObject[];
  readonly delegation: string | undefined;
  /** The thumbprint of the key that the token is bound to. */
  readonly key: string | undefined;
  readonly tokenId: string;
  readonly expiresAt: number;
  /** Every claim as the token says it. */
  readonly claims: JsonObject;
  readonly presented: Presented;
  readonly #answering: { challenger: Challenger; scheme: Scheme };

  constructor(
    claims: JsonObject,
    presented: Presented,
    answering: { challenger: Challenger; scheme: Scheme; now: number },
  ) {
    this.claims = claims;
    this.client = text(claims, 'client_id');
    this.tokenId = text(claims, 'jti');
    this.expiresAt = number(claims, 'exp');
    this.actors = actorsOf(claims);
    this.subject = subjectOf(claims);
    const byAgent = this.actors.length > 0 || this.subject.kind === 'agent';
    this.task = taskOf(claims, byAgent, answering.now);
    this.key = keyOf(claims);
    const agentActs = chainOf(claims).some((act) => act.sub_profile === 'ai_agent');
    if ((this.subject.kind === 'agent' || agentActs) && this.key === undefined) throw new Refusal('unbound_agent');
    const scope = optional(claims, 'scope') ?? '';
    if (!/^[!#-[\]-~ ]*$/.test(scope)) throw new Refusal('claim', 'the scope of the token cannot be read');
    this.scopes = new Set(scope.split(' ').filter((name) => name !== ''));
    this.details = detailsOf(claims);
    this.delegation = this.actors[0]?.delegation ?? optional(claims, 'dlg');
    this.presented = presented;
    this.#answering = answering;
  }

  /** The agent that acts now; `undefined` for a plain client. */
  get agent(): string | undefined {
    return this.actors[0]?.sub ?? (this.subject.kind === 'agent' ? this.subject.id : undefined);
  }

  /** Refuses with 403 `insufficient_scope` (RFC 6750 section 3.1). */
  requireScope(name: string): void {
    if (this.scopes.has(name)) return;
    const { challenger, scheme } = this.#answering;
    throw new Rejection(new Refusal('insufficient_scope', `the scope \`${name}\` is needed`), challenger, scheme, {
      scope: name,
    });
  }
}

/** Members that are objects or absent, also where a reader would forgive `null` or a list. */
export function checkShape(claims: JsonObject): void {
  for (const name of ['cnf', 'mission', 'approval']) {
    if (name in claims && !isObject(claims[name])) throw new Refusal('claim', `the token's \`${name}\` is no object`);
  }
  chainOf(claims);
}

function chainOf(claims: JsonObject): JsonObject[] {
  const chain: JsonObject[] = [];
  for (let act: Json | undefined = claims.act; act !== undefined; act = (act as JsonObject).act) {
    if (!isObject(act)) throw new Refusal('actor_chain', 'the actor chain is refused: an `act` is not an object');
    chain.push(act);
    if (chain.length > MAX_ACTORS)
      throw new Refusal('actor_chain', 'the actor chain is refused: it has too many actors');
  }
  return chain;
}

function actorsOf(claims: JsonObject): Actor[] {
  const refuse = (why: string) => new Refusal('actor_chain', `the actor chain is refused: ${why}`);
  const seen = new Set<string>();
  return chainOf(claims).map((act) => {
    const { iss, sub, sub_profile: profile, dlg } = act;
    if (typeof iss !== 'string' || typeof sub !== 'string' || typeof dlg !== 'string') {
      throw refuse('an actor is not complete');
    }
    if (iss !== claims.iss) throw refuse('an actor is of another issuer');
    if (typeof profile !== 'string' || !ACTOR_PROFILES.includes(profile)) throw refuse('an actor is no agent');
    if (seen.has(sub)) throw refuse('an actor stands in it twice');
    seen.add(sub);
    return { iss, sub, delegation: dlg };
  });
}

function subjectOf(claims: JsonObject): Subject {
  const id = text(claims, 'sub');
  const profile = claims.sub_profile;
  if (profile === 'user') return { kind: 'person', id };
  if (profile === 'ai_agent') return { kind: 'agent', id };
  if (profile === undefined && claims.act === undefined && id === claims.client_id) return { kind: 'client', id };
  throw new Refusal('claim', "the token's `sub_profile` is not what an access token of this issuer says");
}

function taskOf(claims: JsonObject, byAgent: boolean, now: number): Task | undefined {
  const { mission } = claims;
  if (!isObject(mission)) {
    if (byAgent) throw new Refusal('no_task');
    return undefined;
  }
  const { id, issuer, authority_hash: authorityHash, purpose } = mission;
  const expiresAt = secondsOf(mission.expires_at);
  const readable = typeof id === 'string' && id !== '' && issuer === claims.iss && typeof authorityHash === 'string';
  if (!readable || expiresAt === undefined || expiresAt <= now) throw new Refusal('task');
  if (purpose !== undefined && typeof purpose !== 'string') throw new Refusal('task');
  return { id, issuer: issuer as string, purpose, authorityHash, expiresAt };
}

export function keyOf(claims: JsonObject): string | undefined {
  if (!isObject(claims.cnf)) return undefined;
  const { jkt } = claims.cnf;
  if (typeof jkt !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(jkt))
    throw new Refusal('claim', 'the `cnf` cannot be read');
  return jkt;
}

function detailsOf(claims: JsonObject): JsonObject[] {
  const details = claims.authorization_details ?? [];
  if (!Array.isArray(details) || !details.every((one) => isObject(one) && typeof one.type === 'string')) {
    throw new Refusal('claim', "the token's `authorization_details` cannot be read");
  }
  return details as JsonObject[];
}

function text(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw new Refusal('malformed_token', `the token has no \`${name}\``);
  return value;
}

function optional(claims: JsonObject, name: string): string | undefined {
  const value = claims[name];
  if (value !== undefined && typeof value !== 'string')
    throw new Refusal('claim', `the token's \`${name}\` is no text`);
  return value;
}

function number(claims: JsonObject, name: string): number {
  const value = claims[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new Refusal('malformed_token', `the token has no \`${name}\``);
  }
  return value;
}
