// A listener on loopback for what the server sends: pings and pushes to clients, messages to push services. It keeps every
// request, and answers as it was told to.

import { once } from 'node:events';
import { createServer } from 'node:http';

const LONGEST_WAIT = 30_000;
const SETTLED = 1_500;

export async function createReceiver() {
  const receiver = new Receiver();
  await receiver.listen();
  return receiver;
}

class Receiver {
  #server = createServer((request, response) => this.#take(request, response));
  #taken = [];
  #answers = new Map();
  #waiting = new Set();

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /**
   * What a path answers to the requests that fit, one after another; the last one again and again. `{ status, headers, body }`,
   * 204 if nothing was said.
   */
  answer(path, fits, ...answers) {
    this.#answers.set(path, [...(this.#answers.get(path) ?? []), { fits, answers }]);
  }

  /** What a path was told to answer holds no longer. */
  forget(path) {
    this.#answers.delete(path);
  }

  /** The first `count` requests to `path` that fit, as soon as they are there. */
  async requests(path, fits, count = 1) {
    const found = () => this.#taken.filter((request) => request.path === path && fits(request));
    const deadline = Date.now() + LONGEST_WAIT;
    while (found().length < count) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${found().length} of ${count} requests came to ${path} in ${LONGEST_WAIT / 1000} s`);
      await this.#next(left);
    }
    return found();
  }

  /** The same, after a while in which more of them could have come. */
  async settled(path, fits, count = 1) {
    await this.requests(path, fits, count);
    await new Promise((done) => setTimeout(done, SETTLED));
    return this.requests(path, fits, count);
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(done));
  }

  #next(milliseconds) {
    return new Promise((done) => {
      const late = setTimeout(done, milliseconds);
      this.#waiting.add(() => {
        clearTimeout(late);
        done();
      });
    });
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers } = request;
    const { pathname: path } = new URL(request.url, this.origin);
    const taken = { method, path, headers, body: Buffer.concat(chunks), at: Date.now() };
    this.#taken.push(taken);
    const { status = 204, headers: more = {}, body } = this.#answerTo(taken);
    response.writeHead(status, more).end(body);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #answerTo(taken) {
    const rule = (this.#answers.get(taken.path) ?? []).find(({ fits }) => fits(taken));
    if (rule === undefined) return {};
    return rule.answers.length > 1 ? rule.answers.shift() : rule.answers[0];
  }
}

/** A body of JSON, or nothing. */
export function jsonOf({ body }) {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
