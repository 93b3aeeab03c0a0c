// A program of somebody else's library, as an application: told its settings on standard input, it sends people away at /login,
// and says at /callback, in JSON, what came of it: what it got, `{ refused, status }` where the server said no, or
// `{ error }` where it said no itself.

import assert from 'node:assert/strict';

import { PERSON } from '../clients/lib/world.mjs';
import { Browser } from '../openid-client/lib/browser.mjs';
import { freePort } from '../openid-client/lib/process.mjs';
import { started } from '../clients/lib/child.mjs';
import { changed, noRedirect } from '../clients/lib/visitor.mjs';

/** How an application of this kind is started in this world, one after the other. */
export class Kind {
  #open;
  #running;
  #command;
  #args;

  constructor(world, open, [command, ...args]) {
    this.world = world;
    this.#open = open;
    this.#command = command;
    this.#args = args;
  }

  /** Registers a client by `file` and starts an application that has its credentials and further `settings`. */
  async application(file, settings) {
    const listen = `127.0.0.1:${await freePort()}`;
    const client = await this.world.client({ redirect_uris: [`http://${listen}/callback`], bearer: true, ...file });
    const { client_id, client_secret = '' } = client;
    const input = JSON.stringify({ issuer: this.world.issuer, client_id, client_secret, listen, ...settings });
    await this.#running?.close();
    this.#running = await started(this.#open, this.#command, this.#args, { url: `http://${listen}/`, input });
    return new Application(`http://${listen}`);
  }

  /** Starts it and lets the person in; answers what it says it got. */
  async visited(file, settings) {
    const application = await this.application(file, settings);
    return application.visited();
  }
}

export class Application {
  browser = new Browser();

  constructor(home) {
    this.home = home;
  }

  /** Where it sends the person. */
  async sent() {
    const answer = await fetch(`${this.home}/login`, { redirect: 'manual' });
    assert.equal(answer.status, 302, await answer.text());
    return new URL(answer.headers.get('location'));
  }

  /** The person said yes; the URL that leads back. */
  async landed(change = {}) {
    return this.browser.approve(changed(await this.sent(), change), PERSON);
  }

  async answer(callback) {
    const answer = await fetch(callback);
    return { status: answer.status, said: await answer.json() };
  }

  async visited() {
    const { status, said } = await this.answer(await this.landed());
    assert.equal(status, 200, JSON.stringify(said));
    return said;
  }
}

/** What every kind is refused, by whoever must. `wrongSecret`: the status of a wrong secret, as the program sends it. */
export async function misuse(scene, kind, { scopes, wrongSecret }) {
  const application = (settings) => kind.application({ scope: scopes.join(' ') }, { scopes, ...settings });

  await scene('misuse: a wrong secret is `invalid_client`', async () => {
    const { said } = await after(await application({ client_secret: 'wrong' }));
    assert.deepEqual(said, { refused: 'invalid_client', status: wrongSecret });
  });

  await scene('misuse: a redirect URI that is not registered is a page, and nobody is sent there', async () => {
    await noRedirect(await (await application()).sent());
  });

  await scene('misuse: a code is good once', async () => {
    const twice = await application();
    const callback = await twice.landed();
    assert.equal((await twice.answer(callback)).status, 200);
    const { said } = await twice.answer(callback);
    assert.deepEqual(said, { refused: 'invalid_grant', status: 400 });
  });

  await scene('misuse: a code of another `code_challenge` is `invalid_grant`', async () => {
    const { said } = await after(await application(), { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' });
    assert.deepEqual(said, { refused: 'invalid_grant', status: 400 });
  });

  await scene('misuse: a person who says no is `access_denied`', async () => {
    const denied = await application();
    const callback = await denied.browser.deny(await denied.sent(), PERSON);
    const { said } = await denied.answer(callback);
    assert.equal(said.refused, 'access_denied');
  });

  await scene('misuse: another `state` comes to nothing, and the code stays good', async () => {
    const tampered = await application();
    const callback = await tampered.landed();
    assert.equal((await tampered.answer(changed(callback, { state: 'tampered' }))).said.error, 'another state');
    assert.equal((await tampered.answer(callback)).status, 200);
  });

  await scene('misuse: an ID token with another `nonce` is not taken', async () => {
    const { said } = await after(await application(), { nonce: 'tampered' });
    assert.match(said.error, /another nonce|Unexpected JWT nonce/);
  });
}

async function after(application, change) {
  return application.answer(await application.landed(change));
}
