// Each way of authentication and each algorithm that the metadata names, at the endpoints for which it is named; and that what is
// not named is not taken.

import assert from 'node:assert/strict';

import { decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';

import { refused } from '../flow.mjs';
import { API } from '../world.mjs';
import { isToken } from './cast.mjs';

export const authentication = (cast, as) => {
  const token = async (method, alg) => {
    const application = await cast.plain(method, {}, alg);
    const { refresh_token } = await cast.tokens(application);
    isToken(await application.refresh(refresh_token));
  };

  /** What is not its own is inactive (RFC 7662 section 2.2); to learn that, the client must have authenticated. */
  const introspection = async (method, alg) => {
    const application = await cast.plain(method, {}, alg);
    assert.deepEqual(await introspected(application, as), { active: false });
  };

  const revocation = async (method, alg) => {
    const application = await cast.plain(method, {}, alg);
    const { refresh_token } = await cast.tokens(application);
    await application.revoke(refresh_token);
    await refused(application.refresh(refresh_token), 'invalid_grant');
  };

  const areAbsent = (all, names) => {
    for (const name of names) assert.ok(!all.includes(name), name);
  };

  /** A pair of an algorithm that is not named for proofs. */
  let unnamed;

  return {
    token_endpoint_auth_methods_supported: async (method, all) => {
      areAbsent(all, ['client_secret_jwt', 'tls_client_auth']);
      await token(method);
    },
    token_endpoint_auth_signing_alg_values_supported: async (alg, all) => {
      areAbsent(all, ['none', 'HS256']);
      await token('private_key_jwt', alg);
    },
    introspection_endpoint_auth_methods_supported: async (method, all) => {
      areAbsent(all, ['none']);
      await refused(introspected(await cast.plain('none'), as), 'invalid_client', 401);
      await introspection(method);
    },
    introspection_endpoint_auth_signing_alg_values_supported: (alg) => introspection('private_key_jwt', alg),
    revocation_endpoint_auth_methods_supported: (method) => revocation(method),
    revocation_endpoint_auth_signing_alg_values_supported: (alg) => revocation('private_key_jwt', alg),

    dpop_signing_alg_values_supported: async (alg, all) => {
      areAbsent(all, ['none', 'HS256', 'RS256']);
      const bound = await boundWith(await cast.plain('none'), alg);
      const answer = await cast.tokens(bound);
      assert.equal(answer.token_type, 'dpop');
      assert.equal(isToken(answer).cnf.jkt, await bound.options.DPoP.calculateThumbprint());
      const other = await cast.plain('none');
      const callback = await other.approved({ scope: 'read', resource: API });
      other.options.DPoP = oauth.DPoP(other.client, (unnamed ??= await oauth.generateKeyPair('RS256')));
      await refused(other.redeem(callback), 'invalid_dpop_proof');
    },

    id_token_signing_alg_values_supported: async (alg) => {
      const application = await cast.plain('client_secret_basic', { id_token_signed_response_alg: alg });
      application.client.id_token_signed_response_alg = alg;
      const { id_token } = await cast.tokens(application, { scope: 'openid' });
      assert.equal(decodeProtectedHeader(id_token).alg, alg);
      await assert.rejects(cast.plain('client_secret_basic', { id_token_signed_response_alg: 'none' }));
    },

    /** The same person is the same to every client. */
    subject_types_supported: async (type, all) => {
      assert.deepEqual(all, ['public']);
      const subjects = [];
      for (const method of ['none', 'client_secret_basic']) {
        subjects.push(isToken(await cast.tokens(await cast.plain(method))).sub);
      }
      assert.equal(subjects[0], subjects[1], type);
    },
  };
};

async function introspected({ client, authentication: method }, as) {
  const answer = await oauth.introspectionRequest(as, client, method, 'no-such-token');
  return oauth.processIntrospectionResponse(as, client, answer);
}

async function boundWith(application, alg) {
  const { privateKey, publicKey } = await oauth.generateKeyPair(alg, { extractable: false });
  application.options.DPoP = oauth.DPoP(application.client, { privateKey, publicKey });
  return application;
}
