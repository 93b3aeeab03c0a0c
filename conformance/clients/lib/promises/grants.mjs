// Each grant type that the metadata names, to its token; each type of `authorization_details`; how answers to CIBA come.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import * as oauth from 'oauth4webapi';

import { jsonOf } from '../../../openid-client/lib/receiver.mjs';
import { API, PERSON } from '../world.mjs';
import { CIBA, DEVICE, examples, EXCHANGE, granted, isToken } from './cast.mjs';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export const grants = (cast, as) => {
  const ways = {
    authorization_code: async () => isToken(await cast.tokens(await cast.plain('none'))),
    refresh_token: async () => {
      const application = await cast.plain('none');
      const { refresh_token } = await cast.tokens(application);
      isToken(await application.refresh(refresh_token));
    },
    client_credentials: async () => {
      const agent = await cast.agent('agt_of_its_own');
      isToken(await granted(agent, 'client_credentials', { scope: 'read', resource: API }));
    },
    [EXCHANGE]: async () => {
      const agent = await cast.agent('agt_of_exchanges');
      const { access_token } = await cast.pushed(agent, { scope: 'read' });
      const subject = { subject_token: access_token, subject_token_type: ACCESS_TOKEN };
      isToken(await granted(agent, EXCHANGE, { ...subject, resource: API }));
    },
    [CIBA]: async () => {
      const till = await asker(cast);
      const asked = await ask(till, as);
      await cast.phone().approve();
      isIdentity(await granted(till, CIBA, { auth_req_id: asked.auth_req_id }));
    },
    [DEVICE]: async () => {
      const terminal = await cast.plain('none', { grant_types: [DEVICE], redirect_uris: [], response_types: [] });
      const { client, authentication } = terminal;
      const request = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope: 'read', resource: API });
      const asked = await oauth.processDeviceAuthorizationResponse(as, client, request);
      const phone = cast.phone();
      await phone.approve({ screen: await phone.enter(asked.user_code) });
      isToken(await granted(terminal, DEVICE, { device_code: asked.device_code }));
    },
  };

  const deliveries = {
    poll: ways[CIBA],
    ping: async () => {
      const pinged = await asker(cast, delivered(cast, 'ping'));
      const notification = randomBytes(20).toString('base64url');
      const asked = await ask(pinged, as, { client_notification_token: notification });
      await cast.phone().approve();
      const [request] = await cast.receiver.requests('/ping', sentTo(notification));
      assert.equal(jsonOf(request).auth_req_id, asked.auth_req_id);
      isIdentity(await granted(pinged, CIBA, { auth_req_id: asked.auth_req_id }));
    },
    push: async () => {
      const pushed = await asker(cast, delivered(cast, 'push'));
      const notification = randomBytes(20).toString('base64url');
      await ask(pushed, as, { client_notification_token: notification });
      await cast.phone().approve();
      const [request] = await cast.receiver.requests('/push', sentTo(notification));
      isIdentity(jsonOf(request));
    },
  };

  return {
    grant_types_supported: async (type) => ways[type](),

    backchannel_token_delivery_modes_supported: async (mode) => deliveries[mode](),

    authorization_details_types_supported: async (type) => {
      const { [type]: example } = await examples();
      const agent = await cast.agent(`agt_of_${type}`);
      const answer = await cast.pushed(agent, { authorization_details: JSON.stringify([example]) });
      const [{ ref: _ref, type_hash: _hash, ...got }] = isToken(answer).authorization_details;
      assert.deepEqual(sorted(got), sorted(example));
    },

    mission_bound_authorization_supported: async (isSupported) => {
      assert.equal(isSupported, true);
      const agent = await cast.agent('agt_of_missions');
      const mission_intent = JSON.stringify({ intent: { goal: 'Keep the books in order' } });
      const { mission } = isToken(await cast.pushed(agent, { scope: 'read', mission_intent }));
      assert.match(mission.id, /^tsk_/);
    },
  };
};

/** What a plain client registers that asks people by CIBA who they are. */
export const ASKER = {
  grant_types: [CIBA],
  redirect_uris: [],
  response_types: [],
  scope: 'openid',
  may_ask: [PERSON.username],
};

/** One of them. */
export function asker(cast, more = {}) {
  return cast.plain('private_key_jwt', { ...ASKER, ...more });
}

export async function ask({ client, authentication }, as, more = {}) {
  const wanted = Object.entries({ scope: 'openid', login_hint: PERSON.username, ...more });
  const parameters = Object.fromEntries(wanted.filter(([, value]) => value !== undefined));
  const answer = await oauth.backchannelAuthenticationRequest(as, client, authentication, parameters);
  return oauth.processBackchannelAuthenticationResponse(as, client, answer);
}

export function isIdentity(answer) {
  assert.equal(typeof answer.access_token, 'string');
  assert.equal(answer.id_token.split('.').length, 3);
}

/** Lists are sets, whatever their order. */
const sorted = (details) =>
  Object.fromEntries(Object.entries(details).map(([name, value]) => [name, Array.isArray(value) ? value.toSorted() : value]));

const sentTo = (notification) => ({ headers }) => headers.authorization === `Bearer ${notification}`;

const delivered = ({ receiver }, mode) => ({
  backchannel_token_delivery_mode: mode,
  backchannel_client_notification_endpoint: `${receiver.origin}/${mode}`,
});
