// Runs the `writ` binary: once for a command, or as the server. Ends only the children that it started.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const COMMAND_DEADLINE = 60_000;
const READY_DEADLINE = 20_000;
const STOP_DEADLINE = 10_000;

/** One command to its end: what it printed, as text. Anything but exit code 0 is an error. */
export async function run(binary, args, env, input = '') {
  const child = spawn(binary, args, { env, stdio: 'pipe', timeout: COMMAND_DEADLINE });
  const [out, err] = [collected(child.stdout), collected(child.stderr)];
  child.stdin.on('error', () => {}); // a command that reads nothing may close its end first
  child.stdin.end(input);
  const [code, signal] = await once(child, 'close');
  if (code !== 0) {
    throw new Error(`\`writ ${args.join(' ')}\` ended with ${signal ?? code}\n${out()}${err()}`);
  }
  return out();
}

/** `writ serve`, ready when its metadata can be read. */
export function serve(binary, env, issuer) {
  return start(binary, ['serve'], env, `${issuer}/.well-known/oauth-authorization-server`);
}

/** A command that goes on until it is stopped; ready when this URL can be read. */
export async function start(binary, args, env, url) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [collected(child.stdout), collected(child.stderr)];
  const log = () => out() + err();
  const gone = once(child, 'close');
  gone.catch(() => {});
  const server = { log, stop: () => end(child, gone) };
  try {
    await ready(child, args[0], url);
  } catch (error) {
    await server.stop();
    throw new Error(`${error.message}\n${log()}`);
  }
  return server;
}

async function ready(child, command, url) {
  const deadline = Date.now() + READY_DEADLINE;
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new Error(`\`writ ${command}\` ended with ${child.signalCode ?? child.exitCode}`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch {
      // Nobody listens yet.
    }
    await pause(50);
  }
  throw new Error(`\`writ ${command}\` was not ready after ${READY_DEADLINE / 1000} s`);
}

async function end(child, gone) {
  if (hasEnded(child)) return;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE);
  await gone;
  clearTimeout(late);
}

const hasEnded = (child) => child.exitCode !== null || child.signalCode !== null;

function collected(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  return () => text;
}

/** A loopback port that nobody holds now. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
