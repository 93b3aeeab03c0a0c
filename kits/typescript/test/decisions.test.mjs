/** Each case of conformance/vectors/decisions.json, and what an action may hold. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ArgumentsInvalid,
  AskLater,
  Cancelled,
  Decisions,
  Denied,
  Expired,
  NotPermitted,
  Permit,
  StillWaiting,
  Unavailable,
  UsageError,
} from 'writ-kit/resource';

import { FakeServer, manualClock } from './server.mjs';
import { table } from './vectors.mjs';

const { now, issuer, resource, action, cases } = table('decisions');
const caller = {
  subject: { kind: 'person', id: 'usr_alice' },
  presented: {
    token: { expose: () => 'the-token' },
    dpop: { proof: { expose: () => 'the-proof' }, htm: 'POST', htu: 'u' },
  },
};

function scene(script, more = {}) {
  const clock = manualClock(now);
  const server = new FakeServer(issuer, clock, script);
  const config = { issuer, resource, clientId: 'notes', clientSecret: 'secret', fetch: server.fetch, clock, ...more };
  return { clock, server, decisions: new Decisions(config) };
}

for (const one of cases) {
  test(one.name, async () => {
    const { clock, server, decisions } = scene(one);
    const gone = new AbortController();
    clock.moves.push((time) => {
      if (one.gone_after !== undefined && time >= now + one.gone_after) gone.abort();
    });
    const given = structuredClone(action);
    const seen = [];
    let unreported = 0;
    const run = (args) => {
      seen.push(args);
      if (one.handler === 'throws') throw new Error('the handler failed');
      return 'done';
    };
    const options = { signal: gone.signal, holdFor: one.hold_for, unreported: () => (unreported += 1) };
    const running = decisions.gated(caller, given, run, options);
    given.arguments.title = 'Everything';
    const found = { ...(await running.then(ended, failed)), ran: seen.length };
    found.outcomes = server.outcomes.map(({ result }) => result);
    if (server.requests.length > 0) found.asked = server.requests.length;
    if (server.cancelled > 0 && one.expect.cancelled !== undefined) found.cancelled = server.cancelled;
    if (unreported > 0) found.unreported = unreported;
    const { arguments: wanted = action.arguments, ...expected } = one.expect;
    if (expected.sentence === undefined) delete found.sentence;
    assert.deepEqual(found, expected);
    for (const args of seen) assert.deepEqual(args, wanted);
    checkEvaluations(server, one, wanted);
  });
}

function ended(answer) {
  assert.equal(answer, 'done');
  return { ends: 'completed' };
}

function failed(error) {
  if (!(error instanceof NotPermitted)) {
    assert.equal(error.message, 'the handler failed');
    return { ends: 'thrown' };
  }
  assert.notEqual(error.advice, '');
  const { code, reason, retryAfter } = error;
  return {
    ends: code,
    sentence: error.sentence,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
  };
}

/** Each by a fresh key; what is asked is what was denied; the approval comes back as it was given. */
function checkEvaluations({ evaluations, keys, requests }, { status = [], request }, last) {
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^[!-~]{16,128}$/);
  const [first, second] = evaluations;
  assert.deepEqual(first.action, { name: 'delete_note', properties: action.arguments });
  assert.deepEqual(first.resource, { type: 'resource', id: resource });
  assert.deepEqual(first.subject, { type: 'user', id: 'usr_alice' });
  assert.deepEqual(first.context, { access_token: 'the-token' });
  for (const asked of requests) {
    const { denial, ...same } = asked;
    assert.deepEqual(same, first);
    assert.equal(denial.evaluation_id, 'evl_1');
    assert.equal(denial.expires_at, '2026-09-21T14:23:20Z');
  }
  if (second === undefined) return;
  const result = status.at(-1)?.body.result ?? request.body.result;
  assert.deepEqual(second.context.approval, result.approval);
  assert.deepEqual(second.action.properties, last);
}

test('what was not permitted is the answer of an API, and keeps Retry-After', async () => {
  const answers = [
    [new Denied('not_covered', 'This was not granted.'), 403, 'access_denied', null],
    [new ArgumentsInvalid('`/a` is no text'), 400, 'invalid_request', null],
    [new AskLater(90), 429, 'temporarily_unavailable', '90'],
    [new StillWaiting('apr_1', undefined), 409, 'authorization_pending', '5'],
    [new Expired('over'), 403, 'expired_token', null],
    [new Cancelled('stopped'), 403, 'access_denied', null],
    [new Unavailable('no answer', { cause: new Error('hush') }), 503, 'temporarily_unavailable', '1'],
  ];
  for (const [error, status, code, after] of answers) {
    const response = error.toResponse();
    const body = await response.json();
    assert.deepEqual([response.status, body.error, response.headers.get('retry-after')], [status, code, after]);
    assert.equal(body.error_description, `${error.message.replace(/\.$/, '')}; ${error.advice}`);
    assert.doesNotMatch(JSON.stringify(body), /hush/);
  }
});

test('a permit that was not awaited cannot be used, and one that was only once', async () => {
  const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
  const promised = decisions.permit(caller, action);
  assert.throws(() => promised.run(() => 'done'), TypeError);
  const permit = await promised;
  assert.ok(permit instanceof Permit);
  assert.equal(await permit.run(({ title }) => title), 'Shopping list');
  await assert.rejects(
    permit.run(() => 'again'),
    UsageError,
  );
  assert.equal(server.outcomes.length, 1);
});

test('a secret that is none is refused at the start, and one that the issuer refuses when it is asked', async () => {
  for (const clientSecret of [undefined, '', ' ', 'secret\n', 'two words']) {
    assert.throws(() => scene({}, { clientSecret }), { name: 'UsageError', message: /is empty or has white space/ });
  }
  await scene({}).decisions.checkCredentials();
  const { decisions, server } = scene({}, { clientSecret: 'another' });
  const refused =
    /^the issuer refuses the credentials of this server: its client secret is what `writ client add` printed/;
  await assert.rejects(decisions.checkCredentials(), { name: 'UsageError', message: refused });
  await assert.rejects(decisions.permit(caller, action), { code: 'unavailable', message: refused });
  assert.equal(server.evaluations.length, 0);
});

test('looking decides nothing', async () => {
  for (const [name, looked] of [
    ['permitted at once', { decision: true }],
    ['denied: not_covered', { decision: false, reason: 'not_covered', askable: false }],
    ['a yes', { decision: false, reason: 'approval_required', askable: true }],
  ]) {
    const { decisions, server } = scene(cases.find((one) => one.name === name));
    assert.deepEqual(await decisions.look(caller, action), looked);
    assert.equal(server.evaluations.length, 0);
  }
});

test('the proof goes along where the server checks it', async () => {
  const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] }, { proofs: 'sent' });
  await decisions.permit(caller, action);
  const { dpop } = server.evaluations[0].context;
  assert.deepEqual(dpop, { proof: 'the-proof', htm: 'POST', htu: 'u' });
});

test('what the resource says has at most 140 characters', async () => {
  const asked = cases.find(({ name }) => name === 'a yes');
  const { decisions, server } = scene(asked);
  await assert.rejects(
    decisions.gated(caller, action, () => 1, { says: 'x'.repeat(141) }),
    UsageError,
  );
  assert.equal(server.requests.length, 0);
  const other = scene(asked);
  await other.decisions.gated(caller, action, () => 1, {
    says: '\u{1F4DD}'.repeat(140),
    callAgain: true,
    waitedBy: 'held',
  });
  const [{ context, requested_access: wanted }] = other.server.requests;
  assert.deepEqual([context.says.length, context.waited_by], [280, 'held']);
  assert.deepEqual(wanted, { 'urn:writ:call_again': true });
});

test('a permit that is used too late does nothing and says so', async () => {
  const { decisions, server, clock } = scene({ evaluation: [cases[0].evaluation[0]] });
  const permit = await decisions.permit(caller, action);
  clock.move(5);
  await assert.rejects(
    permit.run(() => assert.fail('it ran')),
    { code: 'expired' },
  );
  assert.deepEqual(server.outcomes, [{ decision_id: 'dec_1', result: 'not_started' }]);
});

test('the handler cannot change what was judged', async () => {
  const { decisions } = scene({ evaluation: [cases[0].evaluation[0]] });
  const permit = await decisions.permit(caller, { name: 'n', arguments: { a: { b: [1] } } });
  await permit.run((args) => {
    assert.throws(() => args.a.b.push(2), TypeError);
    assert.deepEqual(permit.arguments, { a: { b: [1] } });
  });
});

for (const [name, value] of Object.entries({
  'a date': { at: new Date(0) },
  'a function': { run: () => 1 },
  'a bigint': { amount: 1n },
  'a list': [],
})) {
  test(`arguments that are no JSON are not sent: ${name}`, async () => {
    const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
    await assert.rejects(
      decisions.gated(caller, { name: 'n', arguments: value }, () => 1),
      UsageError,
    );
    assert.equal(server.evaluations.length, 0);
  });
}

for (const one of table('arguments').cases) {
  test(`arguments: ${one.name}`, async () => {
    const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
    const given = JSON.parse(filledIn(one));
    const judged = decisions.gated(caller, { name: 'n', arguments: given }, (args) => args);
    if (one.sentence === undefined) {
      assert.deepEqual(await judged, given);
      assert.deepEqual(server.evaluations[0].action.properties, given);
      return;
    }
    await assert.rejects(judged, (error) => {
      const { code, sentence, where } = error;
      const place = one.sentence.slice(one.sentence.indexOf('`/'), one.sentence.lastIndexOf(';'));
      assert.deepEqual({ code, sentence, where }, { code: 'arguments_invalid', sentence: one.sentence, where: place });
      return true;
    });
    assert.equal(server.evaluations.length, 0);
  });
}

for (const one of table('arguments').numbers) {
  // What its parser made of it is all that comes here.
  const { text, canonical, written = canonical, parsed } = one;
  const wanted = parsed?.typescript === undefined ? written : parsed.typescript;
  test(`a number in arguments: ${text}`, async () => {
    const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
    const given = JSON.parse(`{"a":[${text}]}`);
    const judged = decisions.gated(caller, { tool: 'n', arguments: given }, (args) => JSON.stringify(args));
    if (wanted === undefined || wanted === null) {
      const where = '`/arguments/a/0`: this number is not read alike by every parser: send it as text';
      await assert.rejects(judged, { code: 'arguments_invalid', where });
      assert.equal(server.evaluations.length, 0);
      return;
    }
    assert.equal(await judged, `{"a":[${JSON.parse(wanted)}]}`);
    const [number] = server.evaluations[0].action.properties.arguments.a;
    assert.ok(Object.is(number, JSON.parse(wanted)));
    assert.ok(server.sent[0].includes(`{"a":[${wanted}]}`), server.sent[0]);
  });
}

const vectors = table('arguments');

/** The same table as texts, which have lost nothing: nobody's parser is asked what it made of them. */
const texts = [
  ...vectors.cases.map((one) => ({ text: filledIn(one), sentence: one.sentence })),
  ...vectors.numbers.map(({ text, canonical, written = canonical }) => ({
    text: `{"a":[{"b":${text}}]}`,
    sent: canonical && `{"a":[{"b":${written}}]}`,
    place: '/arguments/a/0/b',
    why: 'this number is not read alike by every parser: send it as text',
  })),
  ...vectors.texts,
];

for (const { text, read, sent, place, why, sentence } of texts) {
  test(`arguments by their text: ${text.slice(0, 60)}`, async () => {
    const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
    const judged = decisions.gated(caller, { name: 'n', arguments: text }, (args) => args);
    const refused =
      sentence ?? (place && `The arguments cannot be judged: \`${place}\`: ${why}; correct them and call again.`);
    if (refused !== undefined && sent === undefined) {
      await assert.rejects(judged, { code: 'arguments_invalid', sentence: refused });
      assert.equal(server.evaluations.length, 0);
      return;
    }
    const wanted = sent ?? read ?? text;
    assert.deepEqual(await judged, JSON.parse(wanted));
    if (sent !== undefined) assert.ok(server.sent[0].includes(`"properties":${sent}`), server.sent[0]);
    assert.deepEqual(server.evaluations[0].action.properties, JSON.parse(wanted));
  });
}

function filledIn({ text, nested, letters }) {
  if (nested !== undefined) return text.replace('%s', `${'['.repeat(nested)}1${']'.repeat(nested)}`);
  return letters === undefined ? text : text.replace('%s', 'x'.repeat(letters));
}

// What other parsers do not read at all.
for (const [given, where] of [
  ['{"a": 1e400}', '`/arguments/a`: this number is not read alike by every parser: send it as text'],
  ['{"a": "\\ud800"}', '`/arguments/a`: this is not Unicode'],
  ['{"\\ud800": 1}', '`/arguments`: this is not Unicode'],
]) {
  test(`arguments: ${given}`, async () => {
    const { decisions, server } = scene({ evaluation: [cases[0].evaluation[0]] });
    const judged = decisions.gated(caller, { tool: 'n', arguments: JSON.parse(given) }, () => 1);
    await assert.rejects(judged, { code: 'arguments_invalid', where });
    assert.equal(server.evaluations.length, 0);
  });
}
