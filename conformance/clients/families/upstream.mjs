// The other way round: people sign in here by npm oidc-provider, a certified OpenID provider, unmodified. It judges the request, the client
// authentication and PKCE of this server, and sends its own logout tokens.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Provider from 'oidc-provider';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { freePort } from '../../openid-client/lib/process.mjs';
import { createWorld } from '../lib/world.mjs';

const SECRET = 'sealed kettle nine';
/** What the provider knows of its people, by what they type as their name. */
const PEOPLE = {
  noor: { email: 'noor@acme.example', email_verified: true, preferred_username: 'noor', groups: ['staff'] },
  mail: { email: 'mail@acme.example', email_verified: false, preferred_username: 'mail', groups: ['staff'] },
  other: { email: 'other@other.example', email_verified: true, preferred_username: 'other', groups: ['staff'] },
  guest: { email: 'guest@acme.example', email_verified: true, preferred_username: 'guest', groups: [] },
};

/**
 * Each way in which this server proves who it is, with what else differs: by a key its claims come from the UserInfo endpoint alone, as the
 * specification has it; by a secret in the form a refresh token is asked for, which this provider gives after a consent.
 */
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const OFFLINE = { WRIT__UPSTREAM__ACME__SCOPES: 'openid,profile,email,groups,offline_access', WRIT__UPSTREAM__ACME__PROMPT: 'login,consent' };

export default async function play(scene, setting) {
  for (const method of METHODS) {
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const world = await createWorld(setting, {
      WRIT__OUTBOUND__TRUSTED: issuer,
      WRIT__UPSTREAM__ACME__ISSUER: issuer,
      WRIT__UPSTREAM__ACME__CLIENT_ID: 'writ',
      WRIT__UPSTREAM__ACME__SCOPES: 'openid,profile,email,groups',
      WRIT__UPSTREAM__ACME__DOMAINS: 'acme.example',
      WRIT__UPSTREAM__ACME__GROUPS: 'staff',
      WRIT__UPSTREAM__ACME__ROLES__STAFF: 'clerk',
      ...(await proof(method, setting)),
      ...(method === 'client_secret_post' ? OFFLINE : {}),
    });
    const acme = await Acme.start(issuer, world.issuer, method);
    setting.open.push(acme);

    await scene(`${method}: a person comes by it, twice, as one person`, async () => {
      for (const round of ['first', 'second']) {
        const page = await signIn(world, new Browser(), 'noor');
        assert.equal(page.url.pathname, '/app', `${round}: ${page.html}`);
        assert.match(page.html, /noor@acme/);
      }
      const people = (await world.writ(['user', 'list', '--json'])).trim();
      assert.equal(people.match(/noor@acme/g).length, 1, people);
    });

    await scene(`${method}: who is not admitted is not let in`, async () => {
      for (const name of ['mail', 'other', 'guest']) {
        const page = await signIn(world, new Browser(), name);
        assert.equal(page.status, 403, `${name}: ${page.html}`);
      }
    });

    await scene(`${method}: whoever leaves the group is let in no more, and whoever comes back is who they were`, async () => {
      PEOPLE.noor.groups = [];
      assert.equal((await signIn(world, new Browser(), 'noor')).status, 403);
      PEOPLE.noor.groups = ['staff'];
      assert.equal((await signIn(world, new Browser(), 'noor')).url.pathname, '/app');
    });

    await scene(`${method}: a session there is no proof: each sign-in asks for a login of now`, async () => {
      const browser = new Browser();
      await signIn(world, browser, 'noor');
      await browser.page(`${world.issuer}/app`);
      const page = await toProvider(world, browser);
      assert.match(page.html, /name="login"/, 'the provider asks again');
    });

    await scene(`${method}: its logout ends the session here`, async () => {
      const browser = new Browser();
      await signIn(world, browser, 'noor');
      assert.equal((await browser.page(`${world.issuer}/app`)).url.pathname, '/app');
      const asked = await browser.page(`${issuer}/session/end`);
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(asked.html)[1];
      await browser.post(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' });
      await acme.toldLogout;
      assert.equal((await browser.page(`${world.issuer}/app`)).url.pathname, '/login');
    });

    await scene(`${method}: whoever signs out here may sign out there too, and only then is`, async () => {
      const browser = new Browser();
      const home = await signIn(world, browser, 'noor');
      const done = await browser.press(home, 'logout-submit', { 'logout-submit': '1' });
      const link = /id="sign-out-there" href="([^"]+)"/.exec(done.html)[1].replaceAll('&amp;', '&').replaceAll('&#38;', '&');
      const asked = await browser.page(link);
      assert.equal(asked.url.origin, issuer, asked.html);
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(asked.html)[1];
      const back = await browser.post(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' });
      assert.equal(back.url.href, `${world.issuer}/upstream/acme/signed-out`, back.html);
      assert.match(back.html, /signed out there too/);
    });
  }
}

/** How this server proves who it is there. */
async function proof(method, setting) {
  if (method !== 'private_key_jwt') return { WRIT__UPSTREAM__ACME__CLIENT_SECRET: SECRET };
  const folder = await mkdtemp(join(tmpdir(), 'writ-upstream-'));
  setting.open.push({ close: () => rm(folder, { recursive: true, force: true }) });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = join(folder, 'key.pem');
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { WRIT__UPSTREAM__ACME__CLIENT_KEY_FILE: file };
}

async function toProvider(world, browser) {
  const login = await browser.page(`${world.issuer}/login`);
  return browser.press(login, 'login-upstream-acme', { 'login-upstream-acme': '1' });
}

/** There and back, as this person. */
async function signIn(world, browser, name) {
  let page = await toProvider(world, browser);
  for (const answer of [{ prompt: 'login', login: name, password: 'any' }, { prompt: 'consent' }]) {
    if (page.url.origin === world.issuer) return page;
    page = await browser.post(page.url, answer);
  }
  return page;
}

class Acme {
  static async start(issuer, writ, method) {
    const byKey = method === 'private_key_jwt';
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: 'writ',
          ...(byKey ? { jwks_uri: `${writ}/upstream/acme/jwks`, token_endpoint_auth_signing_alg: 'ES256' } : { client_secret: SECRET }),
          grant_types: ['authorization_code', 'refresh_token'],
          post_logout_redirect_uris: [`${writ}/upstream/acme/signed-out`],
          redirect_uris: [`${writ}/upstream/acme/callback`],
          token_endpoint_auth_method: method,
          backchannel_logout_uri: `${writ}/upstream/acme/logout`,
          backchannel_logout_session_required: true,
        },
      ],
      clientAuthMethods: [method],
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['preferred_username'],
        groups: ['groups'],
      },
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      // As Entra, Google and Keycloak have it: the ID token says it. Otherwise the UserInfo endpoint alone does.
      conformIdTokenClaims: byKey,
      cookies: { keys: ['scenes'] },
      // Its own refuses loopback, where everything here is.
      fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
      features: { backchannelLogout: { enabled: true } },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
    });
    const acme = new Acme();
    acme.toldLogout = new Promise((told, failed) => {
      provider.once('backchannel.success', told);
      provider.once('backchannel.error', (_, error) => failed(error));
    });
    // Whoever waits for it hears of a failure; nobody else is to end by it.
    acme.toldLogout.catch(() => {});
    acme.server = provider.listen(Number(new URL(issuer).port), '127.0.0.1');
    await once(acme.server, 'listening');
    return acme;
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
