// A program of somebody else, until it is told to end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const READY_DEADLINE = 60_000;
const LOG_DEADLINE = 10_000;

/** Started, and listening at `url`; `input` is its standard input. Answers what may end it sooner than the family. */
export async function started(open, command, args, { url, input = '', env }) {
  const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const gone = once(child, 'close');
  let read = 0;
  const thing = {
    log: () => text,
    /** Waits until its log has these words after those that were waited for before. */
    says: async (words) => {
      for (const deadline = Date.now() + LOG_DEADLINE; ; await pause(50)) {
        const at = text.indexOf(words, read);
        if (at >= 0) return (read = at + words.length);
        if (Date.now() > deadline) throw new Error(`\`${command}\` does not say \`${words}\`:\n${text.slice(read)}`);
      }
    },
    close: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
  open.push(thing);
  const deadline = Date.now() + READY_DEADLINE;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`\`${command}\` ended with ${child.exitCode}\n${text}`);
    if (await answers(url)) return thing;
    await pause(50);
  }
  throw new Error(`\`${command}\` was not ready after ${READY_DEADLINE / 1000} s\n${text}`);
}

async function answers(url) {
  try {
    await (await fetch(url, { redirect: 'manual' })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
