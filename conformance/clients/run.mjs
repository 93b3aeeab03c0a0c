// Entry: `node run.mjs PATH-OF-WRIT [FAMILY...]`. A family is a kind of client: each has a process, a fresh database and a
// server of its own, so that one that cannot begin keeps none of the others from being played.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

import { Report } from './lib/report.mjs';

const FAMILIES = [
  'oauth4webapi',
  'key-set',
  'openid',
  'auth-js',
  'browser-page',
  'resource-server',
  'registration',
  'guest',
  'mcp-known',
  'mcp-document',
  'mcp-registered',
  'mcp-conformance',
];
/** Each is mostly one busy client and one waiting server. */
const AT_ONCE = 2;

const [binary = process.env.WRIT_BINARY, ...wanted] = process.argv.slice(2);
const unknown = wanted.find((name) => !FAMILIES.includes(name));
if (!binary || unknown) {
  console.error(`usage: node run.mjs PATH-OF-WRIT [FAMILY...]\nfamilies: ${FAMILIES.join(' ')}`);
  process.exit(2);
}

if (wanted.length === 1) await playHere(wanted[0]);
else await playEach(wanted.length === 0 ? FAMILIES : wanted);

async function playHere(family) {
  const report = new Report();
  const open = [];
  try {
    const { default: play } = await import(`./families/${family}.mjs`);
    await report.within(family, (scene) => play(scene, { binary: resolve(binary), open }));
  } catch (error) {
    report.broken(error);
  }
  for (const thing of open.toReversed()) {
    if (report.failed > 0) console.log(thing.log?.() ?? '');
    await thing.close();
  }
  conclude(report.passed, report.failed);
}

async function playEach(families) {
  const waiting = [...families];
  const counts = [];
  const worker = async () => {
    for (let family = waiting.shift(); family !== undefined; family = waiting.shift()) {
      counts.push(await playApart(family));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const sum = (index) => counts.reduce((total, count) => total + count[index], 0);
  conclude(sum(0), sum(1));
}

/** What a family says is printed in one piece, without its own count. */
async function playApart(family) {
  const child = spawn(process.execPath, [import.meta.filename, binary, family], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  const [code] = await once(child, 'close');
  const counted = /^(\d+) passed, (\d+) failed$/m.exec(said);
  console.log(said.replace(counted?.[0] ?? '', '').trimEnd());
  if (counted === null) return [0, 1];
  const [passed, failed] = counted.slice(1).map(Number);
  return [passed, code === 0 ? failed : Math.max(failed, 1)];
}

function conclude(passed, failed) {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
