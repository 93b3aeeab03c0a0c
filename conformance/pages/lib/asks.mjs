// What agents ask people by CIBA, and how they hear of the answer.

import * as ciba from '../../openid-client/lib/ciba.mjs';
import { BANK, CALENDAR } from './world.mjs';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export { answered } from '../../openid-client/lib/ciba.mjs';

/** Asks `person`; answers what the agent holds then. */
export function ask(application, person, details, more = {}) {
  const [first, ...others] = [details].flat();
  return ciba.ask(application, {
    login_hint: person,
    authorization_details: JSON.stringify([first, ...others]),
    ...(others.length === 0 && { resource: first.locations[0] }),
    ...more,
  });
}

/** Asks within the task of this token. */
export function askWithin(application, person, token, details) {
  return ciba.backchannel(application, {
    login_hint: person,
    authorization_details: JSON.stringify([details]),
    resource: details.locations[0],
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
  });
}

/** The error of one poll. */
export function refusal(application, asked) {
  return ciba.pollOnce(application, asked).then(
    () => 'a token',
    (error) => error.error ?? error.message,
  );
}

export const transfer = (amount = '412.00', name = 'KLM', more = {}) => ({
  type: 'transfer',
  instructed_amount: { amount, currency: 'EUR' },
  creditor: { name, account: { iban: 'NL91ABNA0417164300' } },
  reference: 'Booking 7KQ2PX',
  locations: [BANK],
  ...more,
});

/** The same, for which a password is enough. */
export const payment = (amount, name, more) => ({ ...transfer(amount, name, more), type: 'payment' });

/** The same, for which a live face is needed. */
export const wire = (amount, name) => ({ ...transfer(amount, name), type: 'wire' });

export const events = (name = 'work') => ({
  type: 'calendar',
  calendar: name,
  actions: ['read', 'create'],
  period: { from: '2026-11-23T00:00:00+01:00', until: '2026-11-27T18:00:00+01:00' },
  locations: [CALENDAR],
});
