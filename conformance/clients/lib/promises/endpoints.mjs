// The endpoints that the metadata names, each used for what it is for.

import assert from 'node:assert/strict';

import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';

import { Browser } from '../../../openid-client/lib/browser.mjs';
import { refused } from '../flow.mjs';
import { API, CALLBACK, PERSON } from '../world.mjs';
import { CIBA, examples, IDENTITY, isToken } from './cast.mjs';

const BYE = 'https://app.example/bye';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export const endpoints = (cast, as) => ({
  issuer: async (issuer) => assert.equal(issuer, cast.world.issuer),

  authorization_endpoint: async () => isToken(await cast.tokens(await cast.plain('none'))),

  token_endpoint: async () => {
    const application = await cast.plain('none');
    const { refresh_token } = await cast.tokens(application);
    isToken(await application.refresh(refresh_token));
  },

  jwks_uri: async (uri) => {
    const { access_token } = await cast.tokens(await cast.plain('none'));
    await jwtVerify(access_token, createRemoteJWKSet(new URL(uri)), { issuer: as.issuer, audience: API, typ: 'at+jwt' });
  },

  pushed_authorization_request_endpoint: async () => {
    isToken(await cast.pushed(await cast.plain('client_secret_basic'), { scope: 'read' }));
  },

  introspection_endpoint: async () => {
    const { access_token } = await cast.tokens(await cast.plain('none'));
    const { client_id, client_secret } = cast.api;
    const request = oauth.introspectionRequest(as, { client_id }, oauth.ClientSecretBasic(client_secret), access_token);
    const seen = await oauth.processIntrospectionResponse(as, { client_id }, await request);
    assert.equal(seen.active, true);
  },

  revocation_endpoint: async () => {
    const application = await cast.plain('none');
    const { refresh_token } = await cast.tokens(application);
    await application.revoke(refresh_token);
    await refused(application.refresh(refresh_token), 'invalid_grant');
  },

  userinfo_endpoint: async () => {
    const application = await cast.plain('client_secret_basic');
    const answer = await cast.tokens(application, { scope: 'openid profile' });
    const { sub } = oauth.getValidatedIdTokenClaims(answer);
    assert.equal((await application.userinfo(answer.access_token, sub)).preferred_username, PERSON.username);
  },

  end_session_endpoint: async (endpoint) => {
    const application = await cast.plain('client_secret_basic', { post_logout_redirect_uris: [BYE] });
    const browser = new Browser();
    const landed = await browser.approve(await application.request({ scope: 'openid' }), PERSON);
    const { id_token } = await application.redeem(application.checked(landed));
    const url = new URL(endpoint);
    url.search = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: BYE });
    assert.equal((await browser.signOut(url)).href, BYE);
  },

  // `grant_types_supported` and `backchannel_token_delivery_modes_supported` go on to the token.
  backchannel_authentication_endpoint: async () => {
    const till = await cast.plain('client_secret_basic', { grant_types: [CIBA], redirect_uris: [], response_types: [] });
    const parameters = { scope: 'openid', login_hint: 'nobody-here' };
    const request = await oauth.backchannelAuthenticationRequest(as, till.client, till.authentication, parameters);
    await refused(oauth.processBackchannelAuthenticationResponse(as, till.client, request), 'unknown_user_id');
  },

  device_authorization_endpoint: async (endpoint) => {
    const answer = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ client_id: 'nobody-here' }) });
    assert.equal((await answer.json()).error, 'invalid_client');
  },

  /** draft-rosomakho-oauth-txn-challenge-00: the API words what its person is asked. */
  transaction_authorization_endpoint: async (endpoint) => {
    const { payment } = await examples();
    const agent = await cast.agent('agt_of_transactions');
    const answer = await cast.pushed(agent, { scope: 'read' });
    const { privateKey, jwk } = cast.challenger;
    const challenge = await new SignJWT({ txn: 'invoice-1', reason: 'Pay the invoice', authorization_details: [payment] })
      .setProtectedHeader({ alg: 'ES256', kid: jwk.kid, typ: 'txn-authz-challenge+jwt' })
      .setIssuer(API)
      .setAudience(as.issuer)
      .setIssuedAt()
      .setExpirationTime('5m')
      .setJti(crypto.randomUUID())
      .sign(privateKey);
    const subject = { subject_token: answer.access_token, subject_token_type: ACCESS_TOKEN };
    const asked = await post(agent, endpoint, { transaction_challenge: challenge, ...subject });
    await cast.phone().approve();
    const token = await post(agent, endpoint, { transaction_authorization_id: asked.transaction_authorization_id });
    assert.equal(isToken(token).txn, 'invoice-1');
  },

  registration_endpoint: async () => {
    const metadata = { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' };
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, metadata),
    );
    const application = await cast.plain('none');
    application.client = { client_id: client.client_id };
    assert.equal(isToken(await cast.tokens(application)).act.sub, client.client_id);
  },

  client_id_metadata_document_supported: async (isSupported) => {
    assert.equal(isSupported, true);
    const redirect = `${cast.documents.origin}/cb`;
    const client_id = cast.documents.publish('/client.json', { redirect_uris: [redirect], token_endpoint_auth_method: 'none' });
    const application = await cast.plain('none');
    application.client = { client_id };
    const callback = await application.approved({ scope: 'read', resource: API, redirect_uri: redirect });
    assert.equal(isToken(await application.redeem(callback, { redirectUri: redirect })).act.sub, client_id);
  },

  protected_resources: async (resource) => isToken(await cast.tokens(await cast.plain('none'), { scope: 'read', resource }), resource),

  scopes_supported: async (scope) => {
    const application = await cast.plain('client_secret_basic');
    const isIdentity = IDENTITY.includes(scope);
    const asked = isIdentity ? { scope: `openid ${scope}`, prompt: 'consent' } : { scope, resource: API };
    const answer = await cast.tokens(application, asked);
    assert.ok(answer.scope.split(' ').includes(scope), answer.scope);
  },
});

/** To an endpoint that no library knows, as one asks the token endpoint: authenticated, with a proof, and with a nonce if asked. */
async function post(agent, endpoint, parameters) {
  const as = { ...agent.as, token_endpoint: endpoint };
  const send = () => {
    const { client, authentication, options } = agent;
    return oauth.genericTokenEndpointRequest(as, client, authentication, 'none', parameters, options);
  };
  let answer = await send();
  if (answer.headers.has('dpop-nonce') && !answer.ok) answer = await send();
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body;
}
