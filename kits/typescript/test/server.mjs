/** An authorization server inside the test, that says what a table tells it to. */

import assert from 'node:assert/strict';

import { answer } from './vectors.mjs';

/** Time that moves when somebody waits. */
export function manualClock(now) {
  return {
    time: now,
    moves: [],
    now() {
      return this.time;
    },
    async sleep(seconds) {
      this.move(seconds);
    },
    move(seconds) {
      this.time += seconds;
      for (const tell of this.moves) tell(this.time);
    },
  };
}

export class FakeServer {
  constructor(issuer, clock, script) {
    this.issuer = issuer;
    this.clock = clock;
    this.script = script;
    this.evaluations = [];
    this.sent = [];
    this.keys = [];
    this.requests = [];
    this.outcomes = [];
    this.cancelled = 0;
    this.polls = 0;
    this.fetch = (url, init) => this.answer(new URL(url), init);
  }

  async answer(url, init) {
    const body = init.body === undefined ? undefined : JSON.parse(init.body);
    if (url.origin !== this.issuer) throw new Error(`the kit called ${url}`);
    if (url.pathname === '/.well-known/authzen-configuration') return this.metadata();
    if (init.headers.authorization !== `Basic ${btoa('notes:secret')}`) return answer(401, {});
    const { evaluation = [], request, status = [], outcome, cancel } = this.script;
    switch (`${init.method} ${url.pathname}`) {
      case 'POST /access/v1/evaluation':
        this.keys.push(init.headers['idempotency-key']);
        this.evaluations.push(body);
        this.sent.push(init.body);
        return this.say(evaluation[this.evaluations.length - 1]);
      case 'POST /access/v1/evaluations':
        assert.equal(init.headers['idempotency-key'], undefined);
        return answer(200, { evaluations: [this.script.evaluation[0].body] });
      case 'POST /access/v1/requests':
        this.requests.push(body);
        return this.say(request);
      case 'GET /access/v1/requests/apr_1': {
        const said = status[Math.min(this.polls, status.length - 1)];
        this.polls += 1;
        if (said?.body?.task?.status === 'pending')
          this.clock.move(Number(/wait=(\d+)/.exec(init.headers.prefer)?.[1] ?? 0));
        if (init.signal?.aborted) throw init.signal.reason;
        return this.say(said);
      }
      case 'POST /access/v1/requests/apr_1/cancel':
        this.cancelled += 1;
        return this.say(cancel ?? { status: 200, body: { task: { id: 'apr_1', status: 'cancelled' } } });
      case 'POST /access/v1/outcomes':
        this.outcomes.push(body);
        return this.say(outcome ?? { status: 204 });
      default:
        return answer(404, {});
    }
  }

  say(said) {
    if (said === null || said === undefined) throw new TypeError('nobody answers');
    return answer(said.status, said.body, said.headers);
  }

  metadata() {
    return answer(200, {
      policy_decision_point: this.issuer,
      access_evaluation_endpoint: `${this.issuer}/access/v1/evaluation`,
      access_evaluations_endpoint: `${this.issuer}/access/v1/evaluations`,
      access_request_endpoint: `${this.issuer}/access/v1/requests`,
    });
  }
}
