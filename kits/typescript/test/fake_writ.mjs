/** An authorization server inside the test that keeps questions as the real one does: each approval is of one call, once. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { answer, sign, table } from './vectors.mjs';

const { keys, published } = table('verification');
export const ISSUER = 'http://127.0.0.1:9';

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const nowSeconds = () => Date.now() / 1000;

export class FakeWrit {
  constructor(resource, issuer = ISSUER) {
    this.resource = resource;
    this.issuer = issuer;
    this.tasks = [];
    /** As of a record that `writ mcp add` wrote: by tool, the hash of the definition that an operator confirmed. */
    this.confirmed = {};
    this.denials = new Map();
    this.permits = [];
    this.outcomes = [];
    this.waitedBy = [];
    this.refuses = false;
    this.fetch = (url, init) => this.#answer(new URL(url), init);
  }

  /** The same over HTTP, for programs of their own; its issuer is then where it listens. */
  static async listening(t, resource) {
    const listener = createServer(async (request, response) => {
      const chunks = await request.toArray();
      const { method, headers, url } = request;
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks).toString();
      const found = await writ.fetch(`${writ.issuer}${url}`, { method, headers, body });
      response.writeHead(found.status, Object.fromEntries(found.headers)).end(await found.text());
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => {
      listener.closeAllConnections();
      listener.close();
    });
    const writ = new FakeWrit(resource, `http://127.0.0.1:${listener.address().port}`);
    return writ;
  }

  /** A guest's bearer token: enough for a stock MCP client. */
  token(client = 'cimd_notes', more = {}) {
    const now = Math.floor(nowSeconds());
    const claims = {
      iss: this.issuer,
      aud: this.resource,
      client_id: client,
      jti: randomUUID(),
      iat: now,
      exp: now + 300,
      sub: 'usr_alice',
      sub_profile: 'user',
      act: { iss: this.issuer, sub: client, sub_profile: 'native_app', dlg: `dlg_${client}` },
      mission: { id: 'tsk_1', issuer: this.issuer, authority_hash: 'hash', expires_at: iso(now + 3600) },
      scope: 'notes:write',
      ...more,
    };
    return sign(keys.issuer, { alg: 'ES256', typ: 'at+jwt', kid: 'a' }, claims);
  }

  /** The questions that are open. */
  get open() {
    return this.tasks.filter(({ status }) => status === 'pending');
  }

  /** Resolves when a question is open. */
  async asked() {
    while (this.open.length === 0) await new Promise((resolve) => setTimeout(resolve, 5).unref());
    return this.open[0];
  }

  decide(task, status) {
    if (task.status !== 'pending') throw new Error(`it is ${task.status} already`);
    Object.assign(task, { status, decidedAt: nowSeconds() });
    for (const wake of task.waiting.splice(0)) wake();
  }

  async #answer(url, init) {
    const body = init.body === undefined ? undefined : JSON.parse(init.body);
    if (this.refuses && url.pathname.startsWith('/access/')) return answer(401, {});
    const [, id] = /^\/access\/v1\/requests\/([^/]+)/.exec(url.pathname) ?? [];
    switch (`${init.method} ${url.pathname}`) {
      case 'GET /.well-known/oauth-authorization-server':
        return answer(200, { issuer: this.issuer, jwks_uri: `${this.issuer}/jwks` });
      case 'GET /jwks':
        return answer(200, { keys: published });
      case 'GET /.well-known/authzen-configuration':
        return answer(200, {
          policy_decision_point: this.issuer,
          access_evaluation_endpoint: `${this.issuer}/access/v1/evaluation`,
          access_request_endpoint: `${this.issuer}/access/v1/requests`,
        });
      case 'POST /access/v1/evaluation':
        return this.#evaluate(body);
      case 'POST /access/v1/requests':
        return this.#ask(body);
      case 'POST /access/v1/outcomes':
        this.outcomes.push(body.result);
        return answer(204);
    }
    const task = this.tasks.find((one) => one.id === id);
    if (task === undefined) return answer(404, {});
    if (init.method === 'POST') return this.#cancel(task);
    return this.#status(task, Number(/wait=(\d+)/.exec(init.headers.prefer)?.[1] ?? 0), init.signal);
  }

  #evaluate({ subject, action, resource, context }) {
    const { act } = JSON.parse(Buffer.from(context.access_token.split('.')[1], 'base64url'));
    const object = JSON.stringify({ subject, action, resource, delegation: act.dlg });
    const fits = (task) => task.object === object && task.status === 'approved' && !task.used;
    const young = (task) => nowSeconds() - task.decidedAt < 120;
    if (this.confirmed[resource.id] !== undefined && this.confirmed[resource.id] === context.definition_hash) {
      return this.#permitted(object);
    }
    const approval =
      context.approval === undefined
        ? this.tasks.find((task) => task.callAgain && fits(task) && young(task))
        : this.tasks.find((task) => task.id === context.approval.id && fits(task));
    if (approval !== undefined) {
      approval.used = true;
      this.waitedBy.push(context.waited_by ?? approval.waitedBy);
      return this.#permitted(object);
    }
    const id = randomUUID();
    this.denials.set(id, object);
    const hint = { endpoint: `${this.issuer}/access/v1/requests`, expires_at: iso(nowSeconds() + 600) };
    const said = { evaluation_id: id, reason: 'approval_required', access_request: hint };
    return answer(200, { decision: false, context: said });
  }

  #permitted(object) {
    this.permits.push(object);
    const said = { decision_id: `dec_${this.permits.length}`, valid_until: iso(nowSeconds() + 5) };
    return answer(200, { decision: true, context: said });
  }

  #ask({ denial, context, requested_access: wanted }) {
    const object = this.denials.get(denial.evaluation_id);
    if (object === undefined) return answer(400, {});
    let task = this.open.find((one) => one.object === object);
    if (task === undefined) {
      const callAgain = wanted?.['urn:writ:call_again'] === true;
      const { waited_by: waitedBy } = context;
      task = { id: randomUUID(), object, status: 'pending', used: false, waiting: [], callAgain, waitedBy };
      this.tasks.push(task);
    }
    return answer(202, this.#shown(task));
  }

  async #status(task, wait, signal) {
    if (task.status === 'pending' && wait > 0) {
      await new Promise((resolve) => {
        task.waiting.push(resolve);
        setTimeout(resolve, wait * 1000).unref();
        signal?.addEventListener('abort', resolve);
      });
      signal?.throwIfAborted();
    }
    return answer(200, this.#shown(task), { 'retry-after': '1' });
  }

  #cancel(task) {
    if (task.status !== 'pending') return answer(409, {});
    this.decide(task, 'cancelled');
    return answer(200, this.#shown(task));
  }

  #shown(task) {
    const url = `${this.issuer}/access/v1/requests/${task.id}`;
    const { id, status } = task;
    const links = { review: `${this.issuer}/approve/${id}`, cancel: `${url}/cancel` };
    const shown = { task: { id, status, status_endpoint: url, expires_at: iso(nowSeconds() + 600), links } };
    if (status !== 'approved') return shown;
    const approval = { id, approved_at: iso(task.decidedAt), approved_until: iso(task.decidedAt + 120) };
    return { ...shown, result: { mode: 'reevaluate', approval } };
  }
}
