// Entry: `node run.mjs PATH-OF-WRIT [sqlite|DATABASE-URL]`. One world is registered in a fresh database; every scene is
// played twice, against two servings of it: with DPoP nonces and, after a restart, without.

import { resolve } from 'node:path';

import { Report } from './lib/report.mjs';
import { createWorld } from './lib/world.mjs';
import discovery from './scenes/discovery.mjs';
import code from './scenes/code.mjs';
import refresh from './scenes/refresh.mjs';
import introspection from './scenes/introspection.mjs';
import exchange from './scenes/exchange.mjs';
import clientCredentials from './scenes/client-credentials.mjs';
import openid from './scenes/openid.mjs';
import stop from './scenes/stop.mjs';

// In the order of a story: each serving hands its tokens on from scene to scene.
const SCENES = [discovery, code, refresh, introspection, exchange, clientCredentials, openid, stop];

const [binary = process.env.WRIT_BINARY, database = 'sqlite'] = process.argv.slice(2);
if (!binary) {
  console.error('usage: node run.mjs PATH-OF-WRIT [sqlite|DATABASE-URL]');
  process.exit(2);
}

const report = new Report();
const kind = database.split(':', 1)[0];
let world;
try {
  world = await createWorld(resolve(binary), database);
  for (const nonces of [true, false]) {
    await report.within(`${kind}, nonces ${nonces ? 'on' : 'off'}`, async (scene) => {
      const serving = await world.serve({ nonces });
      try {
        for (const play of SCENES) await play(scene, serving);
      } finally {
        await serving.stop();
      }
    });
  }
} catch (error) {
  report.broken(error);
} finally {
  if (report.failed > 0) console.log(world?.log() ?? '');
  await world?.remove();
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
