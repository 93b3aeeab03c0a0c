// What the metadata says of CIBA: signed requests, user codes, hints that the client signs.

import assert from 'node:assert/strict';

import { SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';

import { refused } from '../flow.mjs';
import { PERSON } from '../world.mjs';
import { CIBA, granted, isToken } from './cast.mjs';
import { ask, ASKER, asker, isIdentity } from './grants.mjs';

const USER_CODE = '4711';

export const asking = (cast, as) => ({
  backchannel_authentication_request_signing_alg_values_supported: async (alg, all) => {
    assert.ok(!all.includes('none') && !all.includes('RS256'));
    const keys = { backchannel_authentication_request_signing_alg: alg };
    const till = await cast.plain('private_key_jwt', { ...ASKER, ...keys }, alg);
    const parameters = { scope: 'openid', login_hint: PERSON.username };
    const key = { key: till.privateKey, kid: till.jwk.kid };
    const request = await oauth.issueRequestObject(as, till.client, parameters, key);
    const { client, authentication } = till;
    const answer = await oauth.backchannelAuthenticationRequest(as, client, authentication, { request });
    const asked = await oauth.processBackchannelAuthenticationResponse(as, client, answer);
    await cast.phone().approve();
    isIdentity(await granted(till, CIBA, { auth_req_id: asked.auth_req_id }));
    await refused(ask(till, as), 'invalid_request');
  },

  backchannel_user_code_parameter_supported: async (isSupported) => {
    assert.equal(isSupported, true);
    await cast.setUserCode(USER_CODE);
    const till = await asker(cast, { backchannel_user_code_parameter: true });
    await refused(ask(till, as), 'missing_user_code');
    await refused(ask(till, as, { user_code: '4712' }), 'invalid_user_code');
    const { auth_req_id } = await ask(till, as, { user_code: USER_CODE });
    await cast.phone().deny();
    await refused(granted(till, CIBA, { auth_req_id }), 'access_denied');
  },

  backchannel_endpoint_login_hint_token_types_supported: async (type) => {
    const { sub } = isToken(await cast.tokens(await cast.plain('none')));
    const till = await asker(cast);
    const hint = await new SignJWT({ sub_id: { format: 'opaque', id: sub } })
      .setProtectedHeader({ alg: 'ES256', typ: type, kid: till.jwk.kid })
      .setIssuer(till.client.client_id)
      .setAudience(as.issuer)
      .setExpirationTime('1m')
      .sign(till.privateKey);
    const { auth_req_id } = await ask(till, as, { login_hint: undefined, login_hint_token: hint });
    await cast.phone().approve();
    isIdentity(await granted(till, CIBA, { auth_req_id }));
  },
});
