// One family on one database; `run.mjs` starts it, with the folder of the certificates.

import { Report } from './lib/report.mjs';

const [binary, family, database, certificates] = process.argv.slice(2);
const report = new Report();
const open = [];
try {
  const { default: play } = await import(`./families/${family}.mjs`);
  const setting = `${family}, ${database.split(':', 1)[0]}`;
  await report.within(setting, (scene) => play(scene, { binary, database, certificates, open }));
} catch (error) {
  report.broken(error);
}
for (const thing of open.toReversed()) {
  if (report.failed > 0) console.log(thing.log?.() ?? '');
  await thing.close();
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 && report.passed > 0 ? 0 : 1;
