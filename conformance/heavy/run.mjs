// Entry: `node run.mjs PATH-OF-WRIT [FAMILY...]`. Judges that bring a toolchain or a server of their own, so not for every run.

import { resolve } from 'node:path';

import { Report } from '../openid-client/lib/report.mjs';

const FAMILIES = ['go', 'oauth2-proxy', 'nimbus', 'spring', 'schemathesis', 'envoy'];

const [binary = process.env.WRIT_BINARY, ...wanted] = process.argv.slice(2);
if (!binary || wanted.some((name) => !FAMILIES.includes(name))) {
  console.error(`usage: node run.mjs PATH-OF-WRIT [FAMILY...]\nfamilies: ${FAMILIES.join(' ')}`);
  process.exit(2);
}

const report = new Report();
for (const family of wanted.length === 0 ? FAMILIES : wanted) {
  const open = [];
  const before = report.failed;
  try {
    const { default: play } = await import(`./${family}.mjs`);
    await report.within(family, (scene) => play(scene, { binary: resolve(binary), database: 'sqlite', open }));
  } catch (error) {
    report.broken(error);
  }
  for (const thing of open.toReversed()) {
    if (report.failed > before) console.log(thing.log?.() ?? '');
    await thing.close();
  }
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
