// Auth.js, as its documentation has a provider of type `oidc`: it is given an issuer, an id and a secret.

import assert from 'node:assert/strict';

import { Auth } from '@auth/core';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { createWorld, PERSON } from '../lib/world.mjs';

const HOME = 'https://site.example';
const CALLBACK = `${HOME}/auth/callback/writ`;

export default async function play(scene, setting) {
  const world = await createWorld(setting);

  for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
    await scene(`${method}: signs a person in, with what Auth.js asks for by itself`, async () => {
      const file = { redirect_uris: [CALLBACK], token_endpoint_auth_method: method, scope: 'openid profile email', bearer: true };
      const session = await signedIn(world, await world.client(file), method);
      assert.equal(session.user.name, PERSON.username);
    });
  }

  await scene('the person says no: Auth.js shows its error page', async () => {
    const client = await world.client({ redirect_uris: [CALLBACK], scope: 'openid profile email', bearer: true });
    const site = new Site(world.issuer, client, 'client_secret_basic');
    const back = await site.visit(await new Browser().deny(await site.start(), PERSON));
    assert.match(back.headers.get('location'), /\/auth\/(error|signin)\?/);
  });
}

async function signedIn(world, client, method) {
  const site = new Site(world.issuer, client, method);
  const back = await site.visit(await new Browser().approve(await site.start(), PERSON));
  assert.equal(back.headers.get('location'), HOME, site.said.join('\n'));
  return (await site.visit(`${HOME}/auth/session`)).json();
}

/** A site whose pages are Auth.js alone, and the cookies of its visitor. */
class Site {
  said = [];
  #cookies = new Map();
  #config;

  constructor(issuer, { client_id, client_secret }, token_endpoint_auth_method) {
    const keep = (error) => this.said.push(String(error?.cause?.err ?? error));
    this.#config = {
      basePath: '/auth',
      secret: 'scenes',
      trustHost: true,
      logger: { error: keep, warn: keep },
      providers: [
        {
          id: 'writ',
          name: 'Writ',
          type: 'oidc',
          issuer,
          clientId: client_id,
          clientSecret: client_secret,
          client: { token_endpoint_auth_method },
        },
      ],
    };
  }

  /** Presses "sign in"; answers where the browser is sent. */
  async start() {
    const { csrfToken } = await (await this.visit(`${HOME}/auth/csrf`)).json();
    const body = new URLSearchParams({ csrfToken, callbackUrl: HOME });
    const sent = await this.visit(`${HOME}/auth/signin/writ`, { method: 'POST', body });
    return sent.headers.get('location');
  }

  async visit(url, more = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await Auth(new Request(url, { ...more, headers: { cookie } }), this.#config);
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';', 1);
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return answer;
  }
}
