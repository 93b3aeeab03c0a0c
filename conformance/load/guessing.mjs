// 80 connections guess passwords while people sign in and a client takes tokens: `node guessing.mjs BINARY`. Run by hand: it measures a
// process (docs/passwords.md).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { spawn } from 'node:child_process';

import { freePort, run } from '../openid-client/lib/process.mjs';

const PASSWORD = 'correct horse battery staple';
const CONNECTIONS = 80;
const GUESSES = 500;
const MOST_MEMORY = 64 * 1024;
const MOST_WAIT = 20_000;

const binary = resolve(process.argv[2]);
const directory = await mkdtemp(join(tmpdir(), 'writ-guessing-'));
const port = await freePort();
const issuer = `http://localhost:${port}`;
const env = {
  PATH: process.env.PATH,
  WRIT__SERVER__LISTEN: `127.0.0.1:${port}`,
  WRIT__SERVER__ISSUER: issuer,
  WRIT__DATABASE__URL: `sqlite:${join(directory, 'writ.db')}`,
  WRIT__TYPES__PATH: resolve(import.meta.dirname, '../../config/types'),
  WRIT__KEYS__MASTER: randomBytes(32).toString('base64url'),
};

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS + 8 });

/** One request: status, headers and body. */
function send(method, path, headers = {}, fields) {
  const body = fields && new URLSearchParams(fields).toString();
  const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((done, failed) => {
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers: { ...headers, ...form } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
    });
    sent.on('error', failed);
    sent.end(body);
  });
}

async function logIn(username, password) {
  const page = await send('GET', '/login');
  const cookie = page.headers['set-cookie'][0].split(';')[0];
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)[1];
  return send('POST', '/login', { cookie }, { csrf, username, password });
}

async function memory(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
}

async function timed(act) {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

const longest = (times) => Math.round(Math.max(...times));

await run(binary, ['user', 'add', 'alice', '--password-stdin'], env, PASSWORD);
const file = join(directory, 'client.json');
const bank = { resource: 'https://bank.example', name: 'Bank', scopes: ['accounts:read'] };
await writeFile(file, JSON.stringify(bank));
await run(binary, ['resource', 'add', '--file', file], env);
const client = {
  client_id: 'job', client_name: 'Job', profile: 'oauth21', grant_types: ['client_credentials'],
  scope: 'accounts:read', token_endpoint_auth_method: 'client_secret_basic', bearer: true,
};
await writeFile(file, JSON.stringify(client));
const { client_secret } = JSON.parse(await run(binary, ['client', 'add', '--file', file], env));
const server = spawn(binary, ['serve'], { env, stdio: ['ignore', 'ignore', 'ignore'] });
try {
  for (let tries = 0; ; tries += 1) {
    const ready = await send('GET', '/.well-known/oauth-authorization-server').catch(() => undefined);
    if (ready?.status === 200) break;
    assert.ok(tries < 200, 'the server is not ready');
    await pause(100);
  }
  const before = await memory(server.pid);
  let guesses = 0;
  const answers = {};
  const guess = async () => {
    while (guesses < GUESSES) {
      guesses += 1;
      const { status } = await logIn(`nobody-${guesses % 120}`, 'wrong');
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const [logins, tokens] = [[], []];
  let guessing = true;
  const right = async () => {
    while (guessing) {
      logins.push(await timed(async () => assert.equal((await logIn('alice', PASSWORD)).status, 303)));
    }
  };
  const authorization = `Basic ${Buffer.from(`job:${client_secret}`).toString('base64')}`;
  const token = { grant_type: 'client_credentials', scope: 'accounts:read', resource: 'https://bank.example' };
  const take = async () => {
    while (guessing) {
      tokens.push(await timed(async () => assert.equal((await send('POST', '/token', { authorization }, token)).status, 200)));
    }
  };
  const beside = [right(), take()];
  await Promise.all(Array.from({ length: CONNECTIONS }, guess));
  guessing = false;
  await Promise.all(beside);
  const after = await memory(server.pid);
  console.log(`${GUESSES} guesses over ${CONNECTIONS} connections: answers ${JSON.stringify(answers)}`);
  console.log(`right logins meanwhile: ${logins.length}, the longest ${longest(logins)} ms; tokens: ${tokens.length}, the longest ${longest(tokens)} ms`);
  console.log(`memory: ${before} KiB before, ${after} KiB after`);
  assert.ok(logins.length > 0 && tokens.length > 0);
  assert.ok(longest([...logins, ...tokens]) < MOST_WAIT, 'served in time');
  assert.ok(after < MOST_MEMORY, `at most ${MOST_MEMORY} KiB`);
} finally {
  server.kill('SIGTERM');
  agent.destroy();
  await rm(directory, { recursive: true, force: true });
}
