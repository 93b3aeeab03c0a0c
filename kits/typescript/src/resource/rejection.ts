/**
 * Why a request is rejected: a typed reason, its code and status by one table, and the answer with its challenges
 * (RFC 6750 section 3, 9449 sections 7.1 and 9, 9728 section 5.1). No text holds a token, a proof or a secret.
 */

export type Reason =
  | 'no_credentials'
  | 'several_credentials'
  | 'malformed_credentials'
  | 'bearer_refused'
  | 'bound_token_as_bearer'
  | 'unbound_token'
  | 'unbound_agent'
  | 'malformed_token'
  | 'wrong_type'
  | 'no_key'
  | 'unknown_key'
  | 'bad_signature'
  | 'wrong_issuer'
  | 'expired'
  | 'not_yet'
  | 'claim'
  | 'wrong_audience'
  | 'actor_chain'
  | 'not_an_agent'
  | 'no_task'
  | 'task'
  | 'inactive'
  | 'missing_proof'
  | 'several_proofs'
  | 'proof'
  | 'use_nonce'
  | 'wrong_key'
  | 'proof_replayed'
  | 'insufficient_scope'
  | 'unavailable';

export const SIGNING_ALGORITHMS = ['ES256', 'EdDSA', 'PS256'] as const;

type Row = readonly [status: number, error: string | undefined, sentence: string];

const TOKEN = (sentence: string): Row => [401, 'invalid_token', sentence];
const PROOF = (sentence: string): Row => [401, 'invalid_dpop_proof', sentence];

const TABLE: Record<Reason, Row> = {
  no_credentials: [401, undefined, 'send an access token in the `Authorization` header field'],
  several_credentials: [
    400,
    'invalid_request',
    'send one access token in one way: one `Authorization` header field, nothing in the query',
  ],
  malformed_credentials: [400, 'invalid_request', 'the `Authorization` header field holds no access token'],
  bearer_refused: TOKEN('this resource takes no bearer tokens: ask for a token that is bound to your key'),
  bound_token_as_bearer: TOKEN('this token is bound to a key: use the scheme `DPoP` and send a proof'),
  unbound_token: TOKEN('this token is bound to no key: it cannot be used with the scheme `DPoP`'),
  unbound_agent: TOKEN('a token of an agent must be bound to a key'),
  malformed_token: TOKEN('the access token is malformed'),
  wrong_type: TOKEN('the token is no access token: its `typ` is not `at+jwt`'),
  no_key: TOKEN('the access token names no key (`kid`)'),
  unknown_key: TOKEN('the access token is signed by an unknown key'),
  bad_signature: TOKEN('the signature of the access token does not verify'),
  wrong_issuer: TOKEN('the access token is from another issuer'),
  expired: TOKEN('the access token has expired'),
  not_yet: TOKEN('the access token was issued in the future'),
  claim: TOKEN('a claim of the token is not what an access token of this issuer says'),
  wrong_audience: TOKEN('the token is for another resource'),
  actor_chain: TOKEN('the actor chain of the token is refused'),
  not_an_agent: TOKEN('this resource is for agents only, and no agent stands behind this token'),
  no_task: TOKEN("the agent's token names no task (`mission`)"),
  task: TOKEN('the task of this token is over or cannot be read'),
  inactive: TOKEN('the token is no longer active: it was revoked, or its task was stopped'),
  wrong_key: TOKEN('the token is bound to another key than that of the DPoP proof'),
  missing_proof: PROOF('the DPoP proof is missing: send one in the `DPoP` header field'),
  several_proofs: PROOF('send exactly one `DPoP` header field'),
  proof: PROOF('the DPoP proof is not valid'),
  proof_replayed: PROOF('the DPoP proof was used before: sign a new one for each request'),
  use_nonce: [401, 'use_dpop_nonce', 'the DPoP proof needs a valid nonce: take the one of `DPoP-Nonce`'],
  insufficient_scope: [403, 'insufficient_scope', 'a scope is missing'],
  unavailable: [503, 'temporarily_unavailable', 'the token cannot be checked now: try again'],
};

export interface Challenger {
  realm: string;
  metadataUrl: string | undefined;
  bearer: 'refuse' | 'allow';
}

/** Thrown by the checks, before it is known how the answer is written. */
export class Refusal extends Error {
  constructor(
    readonly reason: Reason,
    /** More than the table says, for the caller's developer. */
    readonly detail?: string,
    options?: ErrorOptions,
  ) {
    super(detail ?? TABLE[reason][2], options);
  }
}

/** A rejected request. `toResponse()` is the whole answer; `cause` is for your log. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly reason: Reason;
  readonly status: number;
  /** The registered code; `undefined` where nothing was sent to judge. */
  readonly error: string | undefined;
  readonly headers: Headers;

  constructor(
    refusal: Refusal,
    challenger: Challenger,
    scheme: Scheme | undefined,
    also: { nonce?: string; scope?: string } = {},
  ) {
    super(refusal.message, refusal.cause === undefined ? undefined : { cause: refusal.cause });
    this.reason = refusal.reason;
    [this.status, this.error] = TABLE[refusal.reason];
    this.headers = new Headers({ 'cache-control': 'no-store' });
    if (this.error !== undefined) this.headers.set('content-type', 'application/json');
    if (this.status === 503) this.headers.set('retry-after', '1');
    if (also.nonce !== undefined) this.headers.set('dpop-nonce', also.nonce);
    for (const one of this.#schemes(challenger, scheme)) {
      this.headers.append('www-authenticate', this.#challenge(one, challenger, also.scope));
    }
  }

  get body(): string {
    return this.error === undefined
      ? ''
      : JSON.stringify({ error: this.error, error_description: quotable(this.message) });
  }

  toResponse(): Response {
    return new Response(this.body === '' ? null : this.body, { status: this.status, headers: this.headers });
  }

  #schemes(challenger: Challenger, scheme: Scheme | undefined): Scheme[] {
    if (this.status === 503) return [];
    if (challenger.bearer === 'refuse') return ['DPoP'];
    if (scheme === undefined) return ['DPoP', 'Bearer'];
    return scheme === 'Bearer' && this.reason !== 'bound_token_as_bearer' ? ['Bearer'] : ['DPoP'];
  }

  #challenge(scheme: Scheme, challenger: Challenger, scope: string | undefined): string {
    const parameters: [string, string][] = [];
    if (this.error !== undefined) parameters.push(['error', this.error], ['error_description', this.message]);
    if (scope !== undefined) parameters.push(['scope', scope]);
    if (scheme === 'DPoP') parameters.push(['algs', SIGNING_ALGORITHMS.join(' ')]);
    if (challenger.metadataUrl !== undefined) parameters.push(['resource_metadata', challenger.metadataUrl]);
    if (parameters.length === 0) parameters.push(['realm', challenger.realm]);
    return `${scheme} ${parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')}`;
  }
}

export type Scheme = 'DPoP' | 'Bearer';

/** RFC 6750 section 3: what a quoted string of these parameters cannot hold is replaced. */
function quotable(text: string): string {
  return text
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replace(/[^ -~]/g, '?');
}
