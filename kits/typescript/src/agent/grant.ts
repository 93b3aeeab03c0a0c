/** What an agent holds: a token for one resource. */

import { isObject, type JsonObject } from '../shared/http.js';
import { Secret } from '../shared/secret.js';
import { ProtocolError } from './errors.js';

export class Grant {
  private constructor(
    readonly accessToken: Secret,
    readonly refreshToken: Secret | undefined,
    /** Seconds since 1970. */
    readonly expiresAt: number | undefined,
    readonly scope: string | undefined,
    /** What was granted, which may be less than asked. */
    readonly details: readonly JsonObject[],
  ) {}

  /** Only a bound token is accepted. */
  static of(answer: Readonly<Record<string, unknown>>, now: number): Grant {
    const { access_token: token, token_type: type, refresh_token: refresh, expires_in: life, scope } = answer;
    if (typeof token !== 'string' || typeof type !== 'string' || type.toLowerCase() !== 'dpop') {
      throw new ProtocolError('the answer is no token that is bound to the key');
    }
    const details = Array.isArray(answer.authorization_details) ? answer.authorization_details.filter(isObject) : [];
    return new Grant(
      new Secret(token),
      typeof refresh === 'string' ? new Secret(refresh) : undefined,
      typeof life === 'number' ? now + life : undefined,
      typeof scope === 'string' ? scope : undefined,
      details,
    );
  }
}

/** What is wanted, for one resource; what is left out asks for all that the grant holds there. */
export interface RequestedAccess {
  resource?: string;
  scope?: string;
  details?: readonly JsonObject[];
}

export function parametersOf(ask: RequestedAccess): Record<string, string> {
  return {
    ...(ask.resource === undefined ? {} : { resource: ask.resource }),
    ...(ask.scope === undefined ? {} : { scope: ask.scope }),
    ...(ask.details === undefined ? {} : { authorization_details: JSON.stringify(ask.details) }),
  };
}
