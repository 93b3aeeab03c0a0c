// Entry: `node run.mjs PATH-OF-WRIT [--postgres URL] [FAMILY...]`. A family is a kind of client. Each is played on SQLite, and on
// PostgreSQL where the URL of a server is given, by a process (`family.mjs`) with a fresh database and a server of its own: one
// that cannot begin keeps none of the others from being played.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { certify } from './lib/authority.mjs';

const FAMILIES = [
  'metadata',
  'oauth4webapi',
  'misuse',
  'openid',
  'upstream',
  'registration',
  'guest',
  'mcp-document',
  'mcp-registered',
  'mcp-known',
  'mcp-misuse',
  'auth-js',
  'browser-page',
  'key-set',
  'resource-server',
  'apache',
  'gate',
  'nginx',
  'mcp-conformance',
];
/** Each mostly waits: a client for its server, a server for its disk. */
const AT_ONCE = 4;

const { binary, postgres, wanted } = understood(process.argv.slice(2));
const databases = postgres === undefined ? ['sqlite'] : ['sqlite', postgres];
const folder = await mkdtemp(join(tmpdir(), 'writ-clients-tls-'));
try {
  await certify(folder);
  await playEach(wanted.flatMap((family) => databases.map((database) => ({ family, database }))));
} finally {
  await rm(folder, { recursive: true, force: true });
}

function understood([binary = process.env.WRIT_BINARY, ...rest]) {
  const postgres = rest[0] === '--postgres' ? rest.splice(0, 2)[1] : undefined;
  if (!binary || rest.some((name) => !FAMILIES.includes(name))) {
    console.error(`usage: node run.mjs PATH-OF-WRIT [--postgres URL] [FAMILY...]\nfamilies: ${FAMILIES.join(' ')}`);
    process.exit(2);
  }
  return { binary: resolve(binary), postgres, wanted: rest.length === 0 ? FAMILIES : rest };
}

async function playEach(waiting) {
  const counts = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) counts.push(await playApart(next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const sum = (index) => counts.reduce((total, count) => total + count[index], 0);
  const [passed, failed] = [sum(0), sum(1)];
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

/** What a family says is printed in one piece, without its own count. */
async function playApart({ family, database }) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'family.mjs'), binary, family, database, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Read when a process starts, and never again.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  const [code] = await once(child, 'close');
  const counted = /^(\d+) passed, (\d+) failed$/m.exec(said);
  console.log(said.replace(counted?.[0] ?? '', '').trimEnd());
  if (counted === null) return [0, 1];
  const [passed, failed] = counted.slice(1).map(Number);
  return [passed, code === 0 ? failed : Math.max(failed, 1)];
}
