// A database that nobody else uses: a file, or one of its own on the PostgreSQL server whose URL is given.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `{ url, remove }`; the file stands in `directory`, which its owner removes. */
export async function freshDatabase(server, directory) {
  if (server === 'sqlite') return { url: `sqlite:${join(directory, 'writ.db')}`, remove: async () => {} };
  const name = `writ_clients_${randomBytes(8).toString('hex')}`;
  const say = (statement) => run('psql', [server, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement]);
  await say(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = name;
  return { url: url.href, remove: () => say(`DROP DATABASE ${name} WITH (FORCE)`) };
}
