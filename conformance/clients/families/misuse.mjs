// oauth4webapi, made to misuse what it was given beyond the code grant (`oauth4webapi.mjs` has that): issuers, assertions, proofs,
// pushed requests, grants. Each refusal has the code that its specification gives it.

import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { Application, asked, discovered, PLAIN, refused } from '../lib/flow.mjs';
import { keyPair } from '../lib/keys.mjs';
import { API, CALLBACK, createWorld, PERSON } from '../lib/world.mjs';

const READ = { scope: 'read', resource: API };

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  await world.api();
  const as = await discovered(world.issuer);
  const cast = new Cast(world, as);

  await issuers(scene, cast);
  await assertions(scene, cast);
  await proofs(scene, cast);
  await pushed(scene, cast);
  await grants(scene, cast);
}

async function issuers(scene, cast) {
  const { as, world } = cast;
  await scene('another issuer: the metadata is of this one alone, whatever it was asked by', async () => {
    const other = new URL(world.issuer.replace('127.0.0.1', 'localhost'));
    const answer = await oauth.discoveryRequest(other, { algorithm: 'oauth2', ...PLAIN });
    await assert.rejects(oauth.processDiscoveryResponse(other, answer), { code: oauth.JSON_ATTRIBUTE_COMPARISON });
  });

  await scene('mix-up: an application that waits for another server does not take our answer (RFC 9207)', async () => {
    const application = await cast.plain();
    const landed = await new Browser().approve(await application.request(READ), PERSON);
    const other = { ...as, issuer: 'https://other.example' };
    const { client, state } = application;
    assert.throws(() => oauth.validateAuthResponse(other, client, landed, state), { code: oauth.INVALID_RESPONSE });
    assert.throws(() => oauth.validateAuthResponse(as, client, landed, 'another-state'), { code: oauth.INVALID_RESPONSE });
  });
}

async function assertions(scene, cast) {
  const now = () => Math.floor(Date.now() / 1000);
  for (const [title, modify] of [
    ['for another audience', (_header, payload) => (payload.aud = 'https://other.example')],
    ['that expired', (_header, payload) => (payload.exp = payload.iat = payload.nbf = now() - 3600)],
    ['of another client', (_header, payload) => (payload.iss = payload.sub = 'nobody')],
    ['that names no life', (_header, payload) => delete payload.exp],
    ['that names nothing to know it by', (_header, payload) => delete payload.jti],
  ]) {
    await scene(`an assertion ${title} is invalid_client`, async () => {
      const application = await cast.signing({ [oauth.modifyAssertion]: modify });
      await refused(application.refresh('any'), 'invalid_client');
    });
  }

  await scene('an assertion that another key signed, or the client itself by its own word, is invalid_client', async () => {
    const { client } = await cast.signing();
    const other = await keyPair('ES256');
    for (const authentication of [oauth.PrivateKeyJwt(other.privateKey), oauth.ClientSecretJwt('guessed'), oauth.None()]) {
      await refused(new Application(cast.as, client, authentication).refresh('any'), 'invalid_client');
    }
  });

  await scene('an assertion is good once: invalid_client', async () => {
    let kept;
    const application = await cast.signing({ [oauth.modifyAssertion]: (_header, payload) => (payload.jti = kept ?? payload.jti) });
    const { refresh_token } = await application.redeem(await application.approved(READ));
    kept = crypto.randomUUID();
    assert.equal(typeof (await application.refresh(refresh_token)).access_token, 'string');
    await refused(application.refresh(refresh_token), 'invalid_client');
  });
}

async function proofs(scene, cast) {
  await scene('a code whose request named a key is of no use with another: invalid_grant', async () => {
    const application = await (await cast.plain({ bearer: false })).bind();
    const dpop_jkt = await application.options.DPoP.calculateThumbprint();
    const callback = await application.approved({ ...READ, dpop_jkt });
    const own = application.options.DPoP;
    await application.bind();
    await refused(application.redeem(callback), 'invalid_grant');
    application.options.DPoP = own;
    assert.equal((await application.redeem(callback)).token_type, 'dpop');
  });

  await scene('a refresh token that is bound is of no use with another key: invalid_grant', async () => {
    const application = await (await cast.plain({ bearer: false })).bind();
    const { refresh_token } = await application.redeem(await application.approved(READ));
    const own = application.options.DPoP;
    await application.bind();
    await refused(application.refresh(refresh_token), 'invalid_grant');
    application.options.DPoP = own;
    assert.equal((await application.refresh(refresh_token)).token_type, 'dpop');
  });

  for (const [title, modify] of [
    ['for another method', (_header, payload) => (payload.htm = 'GET')],
    ['for another address', (_header, payload) => (payload.htu = 'https://other.example/token')],
    ['of yesterday', (_header, payload) => (payload.iat -= 86_400)],
    ['of another type', (header) => (header.typ = 'JWT')],
  ]) {
    await scene(`a proof ${title} is invalid_dpop_proof`, async () => {
      const application = await (await cast.plain({ bearer: false })).bind();
      const callback = await application.approved(READ);
      const pair = await oauth.generateKeyPair('ES256');
      application.options.DPoP = oauth.DPoP(application.client, pair, { [oauth.modifyAssertion]: modify });
      await refused(application.redeem(callback), 'invalid_dpop_proof');
    });
  }

  await scene('a proof is good once: invalid_dpop_proof', async () => {
    const jti = crypto.randomUUID();
    const application = await cast.plain({ bearer: false });
    const pair = await oauth.generateKeyPair('ES256');
    const same = { [oauth.modifyAssertion]: (_header, payload) => (payload.jti = jti) };
    application.options.DPoP = oauth.DPoP(application.client, pair, same);
    const { refresh_token } = await application.redeem(await application.approved(READ));
    await refused(application.refresh(refresh_token), 'invalid_dpop_proof');
  });
}

async function pushed(scene, cast) {
  await scene('a pushed request of another client, one that nobody pushed, and one that was answered get a page', async () => {
    const application = await cast.plain();
    const url = await application.push(READ);
    const changed = (name, value) => {
      const other = new URL(url);
      other.searchParams.set(name, value);
      return other;
    };
    const stranger = await cast.plain();
    const page = async (asking) => {
      const { status, landed } = await asked(asking);
      assert.deepEqual([status, landed], [400, undefined], asking.href);
    };
    await page(changed('client_id', stranger.client.client_id));
    await page(changed('request_uri', 'urn:ietf:params:oauth:request_uri:nobody-pushed-this'));
    await page(changed('request_uri', 'https://app.example/request.jwt'));
    await new Browser().approve(url, PERSON);
    await page(url);
  });

  await scene('what stands beside a pushed request changes nothing', async () => {
    const application = await cast.plain();
    const url = await application.push(READ);
    for (const [name, value] of [
      ['scope', 'read write'],
      ['redirect_uri', 'https://evil.example/cb'],
      ['state', 'another'],
    ]) {
      url.searchParams.set(name, value);
    }
    const answer = await application.redeem(application.checked(await new Browser().approve(url, PERSON)));
    assert.equal(answer.scope, 'read');
  });
}

async function grants(scene, cast) {
  const token = ({ as, client, authentication, options }, type, parameters = {}) =>
    oauth
      .genericTokenEndpointRequest(as, client, authentication, type, parameters, options)
      .then((answer) => oauth.processGenericTokenEndpointResponse(as, client, answer));

  await scene('a grant type that is not registered is unauthorized_client, an unknown one unsupported_grant_type', async () => {
    const application = await cast.signing();
    await refused(token(application, 'client_credentials'), 'unauthorized_client');
    const code = { device_code: 'x' };
    await refused(token(application, 'urn:ietf:params:oauth:grant-type:device_code', code), 'unauthorized_client');
    for (const type of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer']) {
      await refused(token(application, type, { username: PERSON.username, password: PERSON.password }), 'unsupported_grant_type');
    }
  });

  await scene('a parameter twice, or none at all, is invalid_request', async () => {
    const application = await cast.plain();
    const { client_id } = application.client;
    for (const body of [`client_id=${client_id}&grant_type=refresh_token&grant_type=refresh_token`, `client_id=${client_id}`]) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(cast.as.token_endpoint, { method: 'POST', headers, body });
      assert.equal(answer.status, 400);
      assert.equal((await answer.json()).error, 'invalid_request', body);
    }
  });

  await scene('no token is taken from an address, and none is given by GET', async () => {
    const application = await cast.plain();
    const { access_token } = await application.redeem(await application.approved(READ));
    const userinfo = await fetch(`${cast.as.userinfo_endpoint}?access_token=${access_token}`);
    assert.equal(userinfo.status, 401);
    const got = await fetch(`${cast.as.token_endpoint}?grant_type=refresh_token`);
    assert.equal(got.status, 405);
  });
}

class Cast {
  constructor(world, as) {
    this.world = world;
    this.as = as;
  }

  async plain(file = {}) {
    const registered = { scope: 'read write', bearer: true, token_endpoint_auth_method: 'none', ...file };
    const { client_id } = await this.world.client(registered);
    return new Application(this.as, { client_id }, oauth.None());
  }

  async signing(options) {
    const { privateKey, jwk } = await keyPair('ES256');
    const file = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } };
    const { client_id } = await this.world.client({ scope: 'read write', bearer: true, ...file });
    return new Application(this.as, { client_id }, oauth.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }, options));
  }
}
