// Builds what is not JavaScript, in folders of the moment: nothing is written beside the sources.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A Go program, by the versions and hashes of its `go.sum`: the path of the binary. */
export async function built(open, folder, module) {
  const program = join(await temporary(open, 'go'), 'program');
  await execute('go', ['build', '-mod=readonly', '-o', program, module], { cwd: join(import.meta.dirname, folder) });
  return program;
}

/** A Maven project, by the versions of its `pom.xml`: the command that runs `main`. */
export async function compiled(open, folder, { main, properties = [] }) {
  const out = await temporary(open, 'java');
  const args = ['-q', '-B', '-ntp', `-Dout=${out}`, ...properties, 'compile'];
  try {
    await execute('mvn', args, { cwd: join(import.meta.dirname, folder) });
  } catch ({ stdout, stderr }) {
    throw new Error(`\`mvn ${args.join(' ')}\` in ${folder} failed\n${stdout}${stderr}`);
  }
  return ['java', '-XX:TieredStopAtLevel=1', '-Xmx256m', '-cp', `${join(out, 'classes')}:${join(out, 'lib')}/*`, main];
}

async function temporary(open, kind) {
  const directory = await mkdtemp(join(tmpdir(), `writ-${kind}-`));
  open.push({ close: () => rm(directory, { recursive: true, force: true }) });
  return directory;
}
