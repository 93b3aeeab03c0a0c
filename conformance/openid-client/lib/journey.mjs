// From a pushed request to the redirect that carries the code: PAR + RAR + PKCE + DPoP, and the person's part.

import * as client from 'openid-client';

import { Browser } from './browser.mjs';
import { BANK, PERSON, redirectUri } from './world.mjs';

export const PURPOSE = 'Pay the invoice of March';

/** What the planner asks for in these scenes. */
export function plannersRequest(payment) {
  return {
    scope: 'accounts:read',
    resource: BANK,
    authorization_details: JSON.stringify([payment]),
    mission_intent: JSON.stringify({ intent: { goal: 'Keep the books in order', purpose: PURPOSE } }),
  };
}

/** Pushes the request; answers the URL for the browser and what the code grant has to check. */
export async function push(application, parameters) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
  };
  const url = await client.buildAuthorizationUrlWithPAR(
    application.config,
    {
      redirect_uri: redirectUri(application.clientId),
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      ...parameters,
    },
    { DPoP: application.DPoP },
  );
  return { url, checks };
}

/** Pushes, lets the person approve, and answers the redirect with its checks. */
export async function approved(application, parameters) {
  const { url, checks } = await push(application, parameters);
  return { callback: await new Browser().approve(url, PERSON), checks };
}

/** Redeems the code, with the key that pushed the request unless another is given. */
export function redeem(application, { callback, checks }, DPoP = application.DPoP) {
  return client.authorizationCodeGrant(application.config, callback, { ...checks }, undefined, { DPoP });
}
