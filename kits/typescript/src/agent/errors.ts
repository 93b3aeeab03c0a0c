/** Why a call of an agent gave nothing. Each says what to do next by `advice`. */

import * as oauth from 'oauth4webapi';

import { AskLater, Denied, Expired, Unavailable } from '../shared/errors.js';
import { isObject, type JsonObject, retryAfterOf } from '../shared/http.js';

/** The server refused. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    /** The registered code. */
    readonly code: string,
    readonly description: string,
    /** A JSON pointer to each member that was too wide. */
    readonly excess: readonly JsonObject[],
    options?: ErrorOptions,
  ) {
    super(description === '' ? code : `${code}: ${description}`, options);
  }

  get advice(): string {
    return ADVICE[this.code] ?? 'read the description: repeating the same request will not help';
  }
}

/** A resource refused; nothing was done there. */
export class ResourceRefused extends Error {
  override readonly name = 'ResourceRefused';
  /** The registered code; `undefined` where the challenge has none. */
  readonly code: string | undefined;
  readonly scope: string | undefined;
  readonly acrValues: string | undefined;
  /** The exact objects to ask a person for: give them to `confirm`. */
  readonly insufficient: readonly JsonObject[] | undefined;

  constructor(
    readonly status: number,
    parameters: Readonly<Record<string, string | undefined>>,
    readonly response: Response,
  ) {
    super(`the resource refused (${status}${parameters.error === undefined ? '' : ` ${parameters.error}`})`);
    this.code = parameters.error;
    this.scope = parameters.scope;
    this.acrValues = parameters.acr_values;
    this.insufficient = detailsOf(parameters.authorization_remediation);
  }

  get advice(): string {
    return ADVICE[this.code ?? ''] ?? 'read the answer of the resource';
  }
}

/** An answer that breaks the specification: nothing of it was used. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly advice = 'nothing of the answer was used: is this the server that you meant?';
}

const ADVICE: Record<string, string> = {
  invalid_client:
    'check that the client is registered, that its `jwks` has the assertion key, and that the clock is right',
  invalid_grant: 'the code or refresh token is spent, expired, stopped or bound to another key: `authorize` again',
  invalid_scope: 'ask for fewer scopes: a grant can only be narrowed',
  invalid_target: 'name exactly one `resource`, one that the grant covers',
  invalid_authorization_details: 'correct or narrow the members that `excess` points at',
  unauthorized_client: 'an administrator must allow this client what it asked for',
  invalid_token: 'the token is expired, stopped, or not for this resource: `refresh` once, then `authorize`',
  insufficient_scope: 'ask for the scope that the refusal names with `authorize`, or do without',
  insufficient_authorization: 'ask for the `insufficient` objects with `confirm`; the same again means stop',
  insufficient_user_authentication: 'give `acrValues` to `authorize`: the person must log in more strongly',
};

/** What the library threw, in the kit's words. */
export function translated(error: unknown): Error {
  if (error instanceof oauth.ResponseBodyError) return bodyError(error);
  if (error instanceof oauth.AuthorizationResponseError) {
    return error.error === 'access_denied'
      ? new Denied('person', 'the person said no')
      : new Refused(error.error, error.error_description ?? '', [], { cause: error });
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return new Refused('invalid_client', '', [], { cause: error });
  if (error instanceof oauth.OperationProcessingError && error.cause instanceof Response && error.cause.status >= 500) {
    return new Unavailable('the server cannot answer now', { cause: error });
  }
  if (error instanceof oauth.OperationProcessingError) return new ProtocolError(error.message, { cause: error });
  if (error instanceof TypeError) return new Unavailable('the server did not answer', { cause: error });
  return error instanceof Error ? error : new ProtocolError(String(error));
}

function bodyError(error: oauth.ResponseBodyError): Error {
  const seconds = retryAfterOf(error.response.headers) ?? numberOf(error.cause.retry_after);
  if (error.error === 'access_denied') {
    return seconds === undefined ? new Denied('person', 'the person said no') : new AskLater(seconds);
  }
  if (error.status === 429) return new AskLater(seconds ?? 60);
  if (error.error === 'expired_token') return new Expired('nobody decided in time');
  if (error.status === 503) return new Unavailable('the server cannot answer now', { cause: error });
  const { excess } = error.cause;
  const listed = Array.isArray(excess) ? excess.filter(isObject) : [];
  return new Refused(error.error, error.error_description ?? '', listed, { cause: error });
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** `authorization_remediation`: base64url JSON. */
function detailsOf(text: string | undefined): readonly JsonObject[] | undefined {
  if (text === undefined) return undefined;
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const details = isObject(read) ? read.authorization_details : undefined;
    return Array.isArray(details) && details.every(isObject) ? details : undefined;
  } catch {
    return undefined;
  }
}
