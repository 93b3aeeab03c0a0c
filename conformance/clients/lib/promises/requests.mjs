// What the metadata says of authorization requests and of logins: response types and modes, prompts, claims, classes, flags.

import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { Browser } from '../../../openid-client/lib/browser.mjs';
import { asked } from '../flow.mjs';
import { API, CALLBACK, PERSON } from '../world.mjs';
import { isToken } from './cast.mjs';

const PASSWORD = 'urn:writ:acr:password';
const PASSKEY = 'urn:writ:acr:passkey';
const READ = { scope: 'read', resource: API };

export const requests = (cast) => {
  const said = async (changes) => asked(await (await cast.plain('none')).request({ ...READ, ...changes }));

  const modes = {
    query: async () => isToken(await cast.tokens(await cast.plain('none'), { ...READ, response_mode: 'query' })),
    form_post: async () => {
      const application = await cast.plain('none');
      const browser = new Browser();
      const url = await application.request({ ...READ, response_mode: 'form_post' });
      const page = await browser.open(url, PERSON);
      const { html } = await browser.press(page, 'consent-approve', {}, PERSON);
      assert.ok(html.includes(`action="${CALLBACK}"`), html);
      const fields = [...html.matchAll(/name="(code|state|iss)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
      isToken(await application.redeem(application.checked(new URLSearchParams(fields))));
    },
  };

  const prompts = {
    none: async () => assert.equal((await said({ prompt: 'none' })).error, 'login_required'),
    login: async () => assert.ok(await asksToLogIn(cast, 'login')),
    select_account: async () => assert.ok(await asksToLogIn(cast, 'select_account')),
    consent: async () => {
      const application = await cast.plain('client_secret_basic', { remember_consent: true });
      const browser = new Browser();
      const landed = async (changes) => (await browser.page(await application.request({ ...READ, ...changes }))).url;
      await browser.approve(await application.request(READ), PERSON);
      assert.equal((await landed({ prompt: 'consent' })).pathname, '/consent');
    },
  };

  const logged = async (more = {}) => {
    const application = await cast.plain('client_secret_basic');
    const nonce = oauth.generateRandomNonce();
    const changes = { scope: 'openid profile email', nonce, max_age: '300', ...more };
    const answer = await cast.tokens(application, changes, { expectedNonce: nonce, maxAge: 300 });
    const identity = oauth.getValidatedIdTokenClaims(answer);
    return { identity, userinfo: await application.userinfo(answer.access_token, identity.sub) };
  };
  let everything;

  return {
    response_types_supported: async (type, all) => {
      assert.deepEqual(all, ['code']);
      assert.equal(type, 'code');
      for (const other of ['token', 'id_token', 'code id_token', 'none']) {
        assert.equal((await said({ response_type: other })).error, 'unsupported_response_type', other);
      }
      isToken(await cast.tokens(await cast.plain('none')));
    },

    response_modes_supported: async (mode, all) => {
      for (const other of ['fragment', 'query.jwt', 'web_message'].filter((name) => !all.includes(name))) {
        assert.equal((await said({ response_mode: other })).error, 'invalid_request', other);
      }
      await modes[mode]();
    },

    code_challenge_methods_supported: async (method, all) => {
      assert.deepEqual(all, ['S256']);
      isToken(await cast.tokens(await cast.plain('none'), { ...READ, code_challenge_method: method }));
      for (const other of ['plain', undefined]) {
        assert.equal((await said({ code_challenge_method: other })).error, 'invalid_request', String(other));
      }
    },

    require_pushed_authorization_requests: async (isRequired) => {
      assert.equal(isRequired, false);
      isToken(await cast.tokens(await cast.plain('none')));
    },

    /** RFC 9207: in answers and in errors. oauth4webapi insists on it from here on. */
    authorization_response_iss_parameter_supported: async (isSupported) => {
      assert.equal(isSupported, true);
      const { landed } = await said({ code_challenge_method: 'plain' });
      assert.equal(landed.searchParams.get('iss'), cast.world.issuer);
      const callback = await (await cast.plain('none')).approved(READ);
      assert.equal(callback.get('iss'), cast.world.issuer);
    },

    request_parameter_supported: async (isSupported) => {
      assert.equal(isSupported, false);
      assert.equal((await said({ request: 'eyJhbGciOiJub25lIn0.e30.' })).error, 'request_not_supported');
    },

    request_uri_parameter_supported: async (isSupported) => {
      assert.equal(isSupported, false);
      const { status, landed } = await said({ request_uri: 'https://app.example/request.jwt' });
      assert.deepEqual([status, landed], [400, undefined], 'nothing is fetched');
    },

    prompt_values_supported: (prompt) => prompts[prompt](),

    ui_locales_supported: async (tag) => {
      const url = await (await cast.plain('client_secret_basic')).request({ scope: 'openid', ui_locales: tag });
      const { html } = await new Browser().page(url);
      assert.match(html, new RegExp(`<html[^>]*lang="${tag}"`));
    },

    claims_parameter_supported: async (isSupported) => {
      assert.equal(isSupported, false);
      const claims = JSON.stringify({ id_token: { email: { essential: true } } });
      const { identity } = await logged({ claims, scope: 'openid' });
      assert.equal(identity.email, undefined);
    },

    claims_supported: async (claim) => {
      const { identity, userinfo } = await (everything ??= cast.setEmail().then(() => logged()));
      assert.ok(claim in identity || claim in userinfo, JSON.stringify([identity, userinfo]));
    },

    /** A password reaches the first. A passkey needs a browser that has one: here it is refused, `pages/scenes/passkey.mjs` has it. */
    acr_values_supported: async (acr, all) => {
      assert.deepEqual(all, [PASSWORD, PASSKEY]);
      const application = await cast.plain('client_secret_basic');
      const landed = await new Browser().approve(await application.request({ ...READ, acr_values: acr }), PERSON);
      if (acr === PASSWORD) assert.equal(isToken(await application.redeem(application.checked(landed))).acr, acr);
      else assert.equal(landed.searchParams.get('error'), 'unmet_authentication_requirements');
    },
  };
};

async function asksToLogIn(cast, prompt) {
  const application = await cast.plain('client_secret_basic');
  const browser = new Browser();
  await browser.approve(await application.request({ scope: 'openid' }), PERSON);
  const signedIn = await browser.page(await application.request({ scope: 'openid' }));
  assert.equal(signedIn.url.pathname, '/consent');
  const again = await browser.page(await application.request({ scope: 'openid', prompt }));
  return again.url.pathname === '/login';
}
