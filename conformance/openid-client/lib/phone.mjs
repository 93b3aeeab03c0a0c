// A person with a phone, who decides on what agents ask: at the pages of `/app`, without scripts.

import assert from 'node:assert/strict';

import { Browser } from './browser.mjs';

const REQUEST = /href="(\/app\/requests\/[^"/?#]+)"/g;

export class Phone {
  #browser = new Browser();
  #issuer;

  constructor(issuer, person) {
    this.#issuer = issuer;
    this.person = person;
  }

  /** Addresses of the requests that wait for this person. */
  async waiting() {
    const { html } = await this.open('/app');
    return [...new Set([...html.matchAll(REQUEST)].map(([, path]) => path))];
  }

  /** The screen of the one request that waits. */
  async screen() {
    const waiting = await this.waiting();
    assert.equal(waiting.length, 1, `${waiting.length} requests wait for ${this.person.username}`);
    return this.open(waiting[0]);
  }

  async approve(options) {
    return this.#decide('approve', options);
  }

  async deny(options) {
    return this.#decide('deny', options);
  }

  /** Makes the amount of the first object smaller, then approves. */
  async approveLess(amount, options = {}) {
    const screen = options.screen ?? (await this.screen());
    const less = await this.#browser.press(screen, 'approval-less', { 'amount-d0': amount }, this.person);
    return this.approve({ ...options, screen: less });
  }

  /** Types the code of a terminal (RFC 8628 section 3.3); answers the screen that follows. */
  async enter(userCode) {
    const page = await this.open('/device');
    return this.#browser.press(page, 'device-submit', { user_code: userCode }, this.person);
  }

  open(path) {
    return this.#browser.open(new URL(path, this.#issuer), this.person);
  }

  post(path, fields) {
    return this.#browser.post(new URL(path, this.#issuer), fields, this.person);
  }

  async #decide(decision, { screen, number } = {}) {
    const page = screen ?? (await this.screen());
    const typed = { password: this.person.password };
    if (number !== undefined) typed.number = String(number).padStart(2, '0');
    return this.#browser.press(page, `approval-${decision}`, decision === 'approve' ? typed : {}, this.person);
  }
}

/** The token of the forms on this page. */
export function csrfOf({ html }) {
  const [, token] = /name="csrf"[^>]*value="([^"]+)"/.exec(html) ?? [];
  assert.ok(token, 'the page has a form');
  return token;
}
