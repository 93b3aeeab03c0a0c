// Spring Boot's starter for OAuth2 clients: a site that is told the issuer, its credentials and the scope, and nothing else.

import assert from 'node:assert/strict';

import { createWorld, PERSON } from '../clients/lib/world.mjs';
import { freePort } from '../openid-client/lib/process.mjs';
import { started } from '../clients/lib/child.mjs';
import { compiled } from './toolchain.mjs';
import { misuse, Visitor } from '../clients/lib/visitor.mjs';

/** Spring Security 7 has PKCE by itself. The generation before it leaves PKCE out for a client with a secret, and reads no body of
 *  a 401 (RFC 6749 section 5.2). */
const GENERATIONS = [
  { version: '4.0.7', may: {}, wrongSecret: '"error":"invalid_client"' },
  { version: '3.5.7', may: { pkce_required: false }, wrongSecret: '401 Unauthorized' },
];

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  for (const { version, ...generation } of GENERATIONS) {
    const properties = [`-Dspring-boot.version=${version}`];
    const command = await compiled(setting.open, 'spring', { main: 'writ.Site', properties });
    const site = new Site(world, setting.open, command);
    await login((title, act) => scene(`Spring Boot ${version}, ${title}`, act), site, generation);
  }
}

async function login(scene, site, { may, wrongSecret }) {
  const home = await site.start(may);

  await scene('a person signs in, and the site greets them by name', async () => {
    const { text } = await new Visitor().enter(home);
    assert.equal(text, `Hello ${PERSON.username}`);
  });

  await misuse(scene, home, {
    denied: site.refused('[access_denied]'),
    state: site.refused('[authorization_request_not_found]'),
    again: site.refused('[authorization_request_not_found]'),
    nonce: site.refused('[invalid_nonce]'),
  });

  await scene('misuse: a wrong secret is `invalid_client`', async () => {
    const wrong = await site.start(may, { client_secret: 'wrong' });
    await site.refused(wrongSecret)(await new Visitor().enter(wrong));
  });

  if (may.pkce_required !== false) return;
  await scene('misuse: without PKCE, and without the permission for that, it is `invalid_request`', async () => {
    const strict = await site.start({});
    const visitor = new Visitor();
    const { left } = await visitor.follow(strict);
    const answer = await fetch(left, { redirect: 'manual' });
    await site.refused('[invalid_request]')(await visitor.follow(answer.headers.get('location')));
  });
}

/** One process at a time, told what it needs by its environment. */
class Site {
  #open;
  #command;
  #running;

  constructor(world, open, command) {
    this.world = world;
    this.#open = open;
    this.#command = command;
  }

  /** Registers a client by `file`; answers the URL of the site, which has the client's credentials or `wrong` ones. */
  async start(file, wrong = {}) {
    const port = await freePort();
    const home = `http://127.0.0.1:${port}/`;
    const redirect_uris = [`${home}login/oauth2/code/writ`];
    const registered = await this.world.client({ redirect_uris, scope: 'openid profile email', bearer: true, ...file });
    const { client_id, client_secret } = { ...registered, ...wrong };
    const client = 'SPRING_SECURITY_OAUTH2_CLIENT';
    const env = {
      SERVER_ADDRESS: '127.0.0.1',
      SERVER_PORT: String(port),
      [`${client}_PROVIDER_WRIT_ISSUERURI`]: this.world.issuer,
      [`${client}_REGISTRATION_WRIT_CLIENTID`]: client_id,
      [`${client}_REGISTRATION_WRIT_CLIENTSECRET`]: client_secret,
      [`${client}_REGISTRATION_WRIT_SCOPE`]: 'openid,profile,email',
      // Its page says no more than that the credentials are invalid.
      LOGGING_LEVEL_ORG_SPRINGFRAMEWORK_SECURITY_OAUTH2_CLIENT_WEB: 'TRACE',
    };
    await this.#running?.close();
    const [command, ...args] = this.#command;
    this.#running = await started(this.#open, command, args, { url: home, env });
    return home;
  }

  /** It leads back to its page of login, and its log says why. */
  refused(words) {
    return async ({ status, text }) => {
      assert.equal(status, 200);
      assert.match(text, /role="alert"/);
      await this.#running.says(words);
    };
  }
}
