// What openid-client leaves to the application in CIBA: a DPoP proof at the backchannel endpoint, signed requests (CIBA
// 7.1.1), and a wait that is longer than the request lives.

import * as client from 'openid-client';

export const CIBA = 'urn:openid:params:grant-type:ciba';

const LONGEST_WAIT = 60_000;

/** Ends a poll that would never end; not before the server says that the request expired. */
export const patient = () => AbortSignal.timeout(LONGEST_WAIT);

/** Asks without one. */
export function ask(application, parameters) {
  return client.initiateBackchannelAuthentication(application.config, parameters);
}

/** Polls until there is an answer. */
export function answered(application, asked) {
  return client.pollBackchannelAuthenticationGrant(application.config, asked, undefined, {
    DPoP: application.DPoP,
    signal: patient(),
  });
}

/** Polls once, now. */
export function pollOnce(application, { auth_req_id }, DPoP = application.DPoP) {
  return client.genericGrantRequest(application.config, CIBA, { auth_req_id }, { DPoP });
}

/** Asks with a proof of the application's key, so that no other key can redeem it. */
export async function backchannel(application, parameters) {
  const endpoint = application.config.serverMetadata().backchannel_authentication_endpoint;
  let nonce;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { dpop: await application.proof('POST', endpoint, nonce) },
      body: new URLSearchParams({ ...parameters, ...(await application.authentication()) }),
    });
    nonce = answer.headers.get('dpop-nonce');
    const body = await answer.json();
    if (answer.status === 200) return body;
    if (body.error !== 'use_dpop_nonce') throw new client.ResponseBodyError(body.error, { cause: body, response: answer });
  }
  throw new Error('the server asks for a nonce again and again');
}

/** The parameters as a request object: signed by the key that authenticates the client. */
export async function signedRequest(application, parameters, changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return application.sign('JWT', {
    ...parameters,
    iss: application.clientId,
    aud: application.config.serverMetadata().issuer,
    iat: now,
    nbf: now,
    exp: now + 300,
    jti: crypto.randomUUID(),
    ...changes,
  });
}
