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
import ciba from './scenes/ciba.mjs';
import device from './scenes/device.mjs';
import delivery from './scenes/delivery.mjs';
import webPush from './scenes/web-push.mjs';
import stop from './scenes/stop.mjs';

// In the order of a story: each serving hands its tokens on from scene to scene.
const STORY = [discovery, code, refresh, introspection, exchange, clientCredentials, openid, stop];
/** Each with people of its own, all at the same time: they wait for polls, not for each other. */
const WAITING = [ciba, device, delivery, webPush];

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
        for (const play of STORY) await play(scene, serving);
        await Promise.all(WAITING.map((play) => play(scene, serving)));
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
