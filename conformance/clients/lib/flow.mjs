// An application that uses oauth4webapi with its defaults: discovery, the person's part, and the code grant.

import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { CALLBACK, PERSON } from './world.mjs';

/** Plain http, which the server takes on loopback only. */
export const PLAIN = { [oauth.allowInsecureRequests]: true };

export async function discovered(issuer, algorithm = 'oauth2') {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...PLAIN }));
}

export class Application {
  /** `client` is the metadata that oauth4webapi wants, `authentication` one of its methods. */
  constructor(as, client, authentication) {
    this.as = as;
    this.client = client;
    this.authentication = authentication;
    this.options = { ...PLAIN };
  }

  /** The URL for the browser; `changes` replace parameters, `undefined` leaves one out. */
  async request(changes = {}) {
    this.verifier = oauth.generateRandomCodeVerifier();
    this.state = oauth.generateRandomState();
    const parameters = {
      client_id: this.client.client_id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      code_challenge: await oauth.calculatePKCECodeChallenge(this.verifier),
      code_challenge_method: 'S256',
      state: this.state,
      ...changes,
    };
    const url = new URL(this.as.authorization_endpoint);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  /** Lets the person approve; answers the parameters of the redirect, checked as RFC 9207 and 6749 say. */
  async approved(changes) {
    const landed = await new Browser().approve(await this.request(changes), PERSON);
    return this.checked(landed);
  }

  checked(landed) {
    return oauth.validateAuthResponse(this.as, this.client, landed, this.state);
  }

  async redeem(callback, { verifier = this.verifier, redirectUri = CALLBACK, parameters = {}, ...expected } = {}) {
    const { as, client, authentication, options } = this;
    const answer = await this.#again(() =>
      oauth.authorizationCodeGrantRequest(as, client, authentication, callback, redirectUri, verifier, {
        additionalParameters: parameters,
        ...options,
      }),
      (response) => oauth.processAuthorizationCodeResponse(as, client, response, expected),
    );
    assert.equal(typeof answer.access_token, 'string');
    return answer;
  }

  refresh(token, parameters = {}) {
    const { as, client, authentication, options } = this;
    return this.#again(
      () => oauth.refreshTokenGrantRequest(as, client, authentication, token, { additionalParameters: parameters, ...options }),
      (response) => oauth.processRefreshTokenResponse(as, client, response),
    );
  }

  /** The same request, pushed (RFC 9126); answers the URL for the browser. */
  async push(changes) {
    const { as, client, authentication, options } = this;
    const { searchParams } = await this.request(changes);
    const { request_uri } = await this.#again(
      () => oauth.pushedAuthorizationRequest(as, client, authentication, searchParams, options),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response),
    );
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri });
    return url;
  }

  async introspect(token) {
    const { as, client, authentication } = this;
    const answer = await oauth.introspectionRequest(as, client, authentication, token, PLAIN);
    return oauth.processIntrospectionResponse(as, client, answer);
  }

  async revoke(token, parameters = {}) {
    const { as, client, authentication } = this;
    const answer = await oauth.revocationRequest(as, client, authentication, token, { additionalParameters: parameters, ...PLAIN });
    return oauth.processRevocationResponse(answer);
  }

  async userinfo(token, subject) {
    const { as, client, options } = this;
    return this.#again(
      () => oauth.userInfoRequest(as, client, token, options),
      (response) => oauth.processUserInfoResponse(as, client, subject, response),
    );
  }

  /** Tokens are bound to a fresh key from now on. */
  async bind() {
    this.options.DPoP = oauth.DPoP(this.client, await oauth.generateKeyPair('ES256'));
    return this;
  }

  /** Once more with the nonce that the server asked for, which oauth4webapi keeps. */
  async #again(send, take) {
    try {
      return await take(await send());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return take(await send());
    }
  }
}

/** `request` must end in an OAuth error with this code and status. */
export async function refused(request, code, status = 400) {
  const error = await request.then(
    () => assert.fail(`accepted, where \`${code}\` was due`),
    (reason) => reason,
  );
  if (error instanceof oauth.WWWAuthenticateChallengeError) return isChallenge(error, code, status);
  if (error.error === undefined) throw error;
  assert.equal(error.error, code, error.error_description);
  if (error.status !== undefined) assert.equal(error.status, status);
  assert.equal(typeof error.error_description, 'string', 'a sentence for the developer');
}

/** oauth4webapi looks at the challenge (RFC 6749 section 5.2) and leaves the body to others. */
async function isChallenge({ status, cause, response }, code, due) {
  assert.equal(code, 'invalid_client');
  assert.equal(status, due);
  assert.equal(cause[0].scheme, 'basic');
  assert.equal((await response.json()).error, code);
}

/**
 * What a page or a redirect of `/authorize` says without any person: `{ status, landed, linked, error }`. `linked` is where a page's link to
 * the callback leads.
 */
export async function asked(url, callback = CALLBACK) {
  const answer = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
  const location = answer.headers.get('location');
  const to = location === null ? undefined : new URL(location, url);
  const links = [...(await answer.text()).matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href.replaceAll('&#38;', '&'));
  const link = links.find((href) => href.startsWith(callback));
  return {
    status: answer.status,
    landed: to?.href.startsWith(callback) ? to : undefined,
    linked: link === undefined ? undefined : new URL(link),
    error: to?.searchParams.get('error') ?? undefined,
  };
}
