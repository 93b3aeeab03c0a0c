// oauth2-proxy in front of a page that knows nothing of logins, with its provider `oidc`.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { createWorld, PERSON } from '../clients/lib/world.mjs';
import { freePort } from '../openid-client/lib/process.mjs';
import { started } from '../clients/lib/child.mjs';
import { built } from './toolchain.mjs';
import { misuse, Visitor } from '../clients/lib/visitor.mjs';

const ADDRESS = 'alice@example.org';
const PKCE = ['--code-challenge-method=S256'];
const BY_NONCE = ['--insecure-oidc-skip-nonce=false'];

export default async function play(scene, setting) {
  const program = await built(setting.open, 'oauth2-proxy', 'github.com/oauth2-proxy/oauth2-proxy/v7');
  const world = await createWorld(setting);
  const upstream = await greeting(setting.open);
  const proxy = new Proxy(world, setting.open, { program, upstream });

  await scene('a person without an address is not let in, and is by `sub`', async () => {
    const home = await proxy.start({}, PKCE);
    await proxy.refused('neither the id_token nor the profileURL set an email')(await new Visitor().enter(home));
    const by = await proxy.start({}, [...PKCE, '--oidc-email-claim=sub']);
    assert.match(greeted(await new Visitor().enter(by)).email, /^usr_/);
  });

  await world.writ(['user', 'change', PERSON.username, '--email', ADDRESS]);

  for (const token_endpoint_auth_method of ['client_secret_basic', 'client_secret_post', undefined]) {
    await scene(`a person signs in, ${token_endpoint_auth_method ?? 'authenticated either way'}`, async () => {
      const home = await proxy.start({ token_endpoint_auth_method }, PKCE);
      const said = greeted(await new Visitor().enter(home));
      assert.match(said.user, /^usr_/);
      assert.deepEqual(said, { user: said.user, email: ADDRESS, preferred_username: PERSON.username });
    });
  }

  await scene('without PKCE, with `nonce`, for a client that may', async () => {
    const home = await proxy.start({ pkce_required: false }, BY_NONCE);
    assert.equal(greeted(await new Visitor().enter(home)).email, ADDRESS);
  });

  const strict = await proxy.start({}, [...PKCE, ...BY_NONCE]);
  await misuse(scene, strict, {
    denied: is(403, /access_denied/),
    state: is(403),
    again: is(403),
    nonce: proxy.refused('id_token nonce claim does not match', 403),
    otherState: 'tampered:/',
  });

  await scene('misuse: a wrong secret is `invalid_client`', async () => {
    const wrong = await proxy.start({}, PKCE, { client_secret: 'wrong' });
    await proxy.refused('invalid_client')(await new Visitor().enter(wrong));
  });
}

/** One process at a time. */
class Proxy {
  #open;
  #files;
  #running;

  constructor(world, open, files) {
    this.world = world;
    this.#open = open;
    this.#files = files;
  }

  /** Registers a client by `file`; answers the URL of the proxy, which has the client's credentials or `wrong` ones. */
  async start(file, more, wrong = {}) {
    const listen = `127.0.0.1:${await freePort()}`;
    const redirect = `http://${listen}/oauth2/callback`;
    const registered = await this.world.client({ redirect_uris: [redirect], bearer: true, ...file });
    const { client_id, client_secret } = { ...registered, ...wrong };
    const args = [
      '--provider=oidc',
      `--oidc-issuer-url=${this.world.issuer}`,
      `--client-id=${client_id}`,
      `--http-address=${listen}`,
      `--redirect-url=${redirect}`,
      `--upstream=${this.#files.upstream}`,
      '--email-domain=*',
      '--cookie-secure=false',
      '--skip-provider-button',
      ...more,
    ];
    const env = {
      OAUTH2_PROXY_CLIENT_SECRET: client_secret,
      OAUTH2_PROXY_COOKIE_SECRET: randomBytes(32).toString('base64url'),
    };
    await this.#running?.close();
    this.#running = await started(this.#open, this.#files.program, args, { url: `http://${listen}/ping`, env });
    return `http://${listen}/`;
  }

  /** It says no more to the person than that it failed; its log says why. */
  refused(words, due = 500) {
    return async ({ status }) => {
      assert.equal(status, due);
      await this.#running.says(words);
    };
  }
}

/** A page that greets whoever the proxy says is there. */
async function greeting(open) {
  const server = createServer((request, answer) => {
    const said = (name) => request.headers[`x-forwarded-${name}`];
    answer.end(JSON.stringify({ user: said('user'), email: said('email'), preferred_username: said('preferred-username') }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => server.close() });
  return `http://127.0.0.1:${server.address().port}/`;
}

function greeted({ status, text }) {
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

function is(due, words = /./) {
  return ({ status, text }) => {
    assert.equal(status, due);
    assert.match(text, words);
  };
}
