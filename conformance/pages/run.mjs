// Entry: `node run.mjs PATH-OF-WRIT`. Chromium drives the pages of the built binary on loopback; see docs/pages.md.
// WRIT_PICTURES=FOLDER keeps a picture of every page that was judged.

import { resolve } from 'node:path';

import { Report } from '../openid-client/lib/report.mjs';
import { DESKTOP, launch, NARROW, PHONE } from './lib/chromium.mjs';
import { createWorld } from './lib/world.mjs';
import keyboard from './scenes/keyboard.mjs';
import largeText from './scenes/large-text.mjs';
import look from './scenes/look.mjs';
import refused from './scenes/refused.mjs';
import story from './scenes/story.mjs';

const [binary = process.env.WRIT_BINARY] = process.argv.slice(2);
if (!binary) {
  console.error('usage: node run.mjs PATH-OF-WRIT');
  process.exit(2);
}

// In this order: the first story leaves an answered request and an ended task, the second one a live task.
const SETTINGS = [
  ['phone, no scripts', story, PHONE],
  ['keyboard', keyboard, DESKTOP],
  ['phone, light', look, { ...PHONE, colorScheme: 'light' }],
  ['phone, dark', look, { ...PHONE, colorScheme: 'dark' }],
  ['desktop, light', look, { ...DESKTOP, colorScheme: 'light' }],
  ['desktop, dark', look, { ...DESKTOP, colorScheme: 'dark' }],
  ['text at 200 %', largeText, NARROW],
  ['refused', refused, PHONE],
];

const report = new Report();
let world, browser;
try {
  world = await createWorld(resolve(binary));
  await world.serve();
  browser = await launch();
  for (const [setting, play, options] of SETTINGS) {
    await report.within(setting, (scene) => play(scene, { browser, world, setting, options }));
  }
} catch (error) {
  report.broken(error);
} finally {
  await browser?.close();
  if (report.failed > 0) console.log(world?.log() ?? '');
  await world?.remove();
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
