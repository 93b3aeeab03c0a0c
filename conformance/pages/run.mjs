// Entry: `node run.mjs PATH-OF-WRIT [--whole | --screenshots FOLDER | --requests FOLDER]`. Chromium drives the pages of the built
// binary on loopback; see docs/pages.md. `--whole` judges every page on every screen in every language. With a folder it only takes a
// picture of every page of a phone, in light and in dark, or of the first screen of ten requests. WRIT_PICTURES=FOLDER keeps a
// picture of everything that is judged.

import { resolve } from 'node:path';

import { Report } from '../openid-client/lib/report.mjs';
import { DESKTOP, launch, NARROW, PHONE } from './lib/chromium.mjs';
import { takePictures } from './lib/judge.mjs';
import { PSEUDO } from './lib/pseudo.mjs';
import { EVERY_LANGUAGE, EVERY_SCREEN, SMALL_PHONE } from './lib/screens.mjs';
import { createWorld } from './lib/world.mjs';
import account from './scenes/account.mjs';
import app from './scenes/app.mjs';
import approve from './scenes/approve.mjs';
import call from './scenes/call.mjs';
import callback from './scenes/callback.mjs';
import elsewhere from './scenes/elsewhere.mjs';
import { everyPage } from './scenes/every-page.mjs';
import firstScreen, { firstScreenOn } from './scenes/first-screen.mjs';
import { freshEyes } from './scenes/fresh-eyes.mjs';
import german from './scenes/german.mjs';
import guests from './scenes/guests.mjs';
import installed from './scenes/installed.mjs';
import keyboard from './scenes/keyboard.mjs';
import largeText from './scenes/large-text.mjs';
import liveness from './scenes/liveness.mjs';
import look from './scenes/look.mjs';
import number from './scenes/number.mjs';
import passkey from './scenes/passkey.mjs';
import refused from './scenes/refused.mjs';
import story from './scenes/story.mjs';
import tamper from './scenes/tamper.mjs';
import usual from './scenes/usual.mjs';
import withoutScript from './scenes/without-script.mjs';

const [binary = process.env.WRIT_BINARY, flag, pictures] = process.argv.slice(2);
const isKnown = flag === undefined || flag === '--whole' || (['--screenshots', '--requests'].includes(flag) && pictures);
if (!binary || !isKnown) {
  console.error('usage: node run.mjs PATH-OF-WRIT [--whole | --screenshots FOLDER | --requests FOLDER]');
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
  ['callback', callback, DESKTOP],
  ['passkey', passkey, PHONE],
  ['account', account, PHONE],
  ['prompt', approve, PHONE],
  ['liveness', liveness, PHONE],
  ['tampering', tamper, PHONE],
  ['no scripts', withoutScript, PHONE],
  ['number', number, PHONE],
  ['installed', installed, PHONE],
  ['elsewhere', elsewhere, PHONE],
  ['first screen', firstScreen, PHONE],
  ['german', german, PHONE],
  ['right to left', everyPage(PSEUDO, [{ viewport: SMALL_PHONE, colorScheme: 'light' }]), PHONE],
  ['usual', usual, { ...PHONE, colorScheme: 'dark' }],
  ['phone, light', app, { ...PHONE, colorScheme: 'light' }],
  ['phone, dark', app, { ...PHONE, colorScheme: 'dark' }],
  ['desktop, light', app, { ...DESKTOP, colorScheme: 'light' }],
  ['desktop, dark', app, { ...DESKTOP, colorScheme: 'dark' }],
  ['phone, light', call, { ...PHONE, colorScheme: 'light' }],
  ['phone, dark', call, { ...PHONE, colorScheme: 'dark' }],
  ['phone, light', guests, { ...PHONE, colorScheme: 'light' }],
  ['phone, dark', guests, { ...PHONE, colorScheme: 'dark' }],
  ['desktop, light', guests, { ...DESKTOP, colorScheme: 'light' }],
  ['desktop, dark', guests, { ...DESKTOP, colorScheme: 'dark' }],
];

/** Too long for every run. */
const WHOLE = [
  ...EVERY_LANGUAGE.map((language) => [language, everyPage(language, EVERY_SCREEN), PHONE]),
  ['first screen', firstScreenOn(EVERY_SCREEN, EVERY_LANGUAGE), PHONE],
];

/** What is looked at in docs/: one pixel of the picture for one of the phone. */
const GALLERY = [
  ['phone', story, PHONE],
  ['keyboard', keyboard, DESKTOP],
  ...['light', 'dark'].flatMap((colorScheme) =>
    [look, app, guests].map((play) => [`phone, ${colorScheme}`, play, { ...PHONE, colorScheme, deviceScaleFactor: 1 }]),
  ),
];

const played = {
  '--whole': WHOLE,
  '--screenshots': GALLERY,
  '--requests': [['requests', freshEyes(resolve(pictures ?? '')), PHONE]],
};

const report = new Report();
let world, browser;
try {
  world = await createWorld(resolve(binary));
  await world.serve();
  browser = await launch();
  for (const [setting, play, options] of played[flag] ?? SETTINGS) {
    // The first stories only leave behind what the others show.
    if (flag === '--screenshots') takePictures(setting.startsWith('phone, ') ? resolve(pictures) : undefined);
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
