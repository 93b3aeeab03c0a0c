// A person's browser at a site that signs people in elsewhere: keeps the site's cookies and follows its redirects.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';

import { PERSON } from './world.mjs';
import { Browser } from '../../openid-client/lib/browser.mjs';

const MOST_PAGES = 10;

export class Visitor {
  #cookies = new Map();
  browser = new Browser();

  /** Follows redirects within the site: the page, `{ status, headers, text }`, or where the site sends the person, `{ left }`. */
  async follow(start) {
    let url = new URL(start);
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.#visit(url);
      const { location } = answer.headers;
      if (location === undefined) return answer;
      const next = new URL(location, url);
      if (next.origin !== url.origin) return { left: next };
      url = next;
    }
    throw new Error(`no page after ${MOST_PAGES} redirects, the last was ${url}`);
  }

  /** To the server of the people, where they say yes: the URL that leads back. */
  async landed(url) {
    const { left } = await this.follow(url);
    assert.ok(left, 'the site sends the person to the server');
    return this.browser.approve(left, PERSON);
  }

  /** The page at `url`, logged in. */
  async enter(url) {
    return this.follow(await this.landed(url));
  }

  /** As the address bar does it; `fetch` says that a script asks, and sites send no script to a login. */
  async #visit(url) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = get(url, { headers: { accept: 'text/html', cookie } });
    sent.on('error', () => {}); // mod_auth_openidc says more after the end of an error page
    const [answer] = await once(sent, 'response');
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += chunk;
    for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line);
    return { status: answer.statusCode, headers: answer.headers, text };
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(';');
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const expires = attributes.map((text) => /^\s*expires=(.*)$/i.exec(text)?.[1]).find((text) => text !== undefined);
    if (Date.parse(expires ?? '') < Date.now()) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** What comes to nothing at every site of this kind; `refused` says of each page how one sees that. */
export async function misuse(scene, home, refused) {
  await scene('misuse: a person who says no is `access_denied`', async () => {
    const visitor = new Visitor();
    const { left } = await visitor.follow(home);
    const denied = await visitor.browser.deny(left, PERSON);
    assert.equal(denied.searchParams.get('error'), 'access_denied');
    await refused.denied(await visitor.follow(denied));
  });

  await scene('misuse: another `state` is not taken', async () => {
    const visitor = new Visitor();
    const callback = await visitor.landed(home);
    await refused.state(await visitor.follow(changed(callback, { state: refused.otherState ?? 'tampered' })));
  });

  await scene('misuse: the same answer is not taken twice', async () => {
    const visitor = new Visitor();
    const callback = await visitor.landed(home);
    assert.equal((await visitor.follow(callback)).status, 200);
    await refused.again(await visitor.follow(callback));
  });

  await scene('misuse: an ID token with another `nonce` is not taken', async () => {
    const visitor = new Visitor();
    const { left } = await visitor.follow(home);
    const callback = await visitor.browser.approve(changed(left, { nonce: 'tampered' }), PERSON);
    await refused.nonce(await visitor.follow(callback));
  });

  await scene('misuse: a redirect URI that is not registered is a page, and nobody is sent there', async () => {
    const { left } = await new Visitor().follow(home);
    await noRedirect(left);
  });
}

/** RFC 6749 section 4.1.2.1: nobody is sent to a redirect URI that is not registered. */
export async function noRedirect(request) {
  const to = changed(request, { redirect_uri: 'https://elsewhere.example/callback' });
  const answer = await fetch(to, { redirect: 'manual' });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get('location'), null);
}

/** The same URL with other values of parameters. */
export function changed(url, change) {
  const to = new URL(url);
  for (const [name, value] of Object.entries(change)) to.searchParams.set(name, value);
  return to;
}
