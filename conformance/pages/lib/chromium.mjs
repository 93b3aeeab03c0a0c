// Debian's Chromium, headless, with a fresh profile; and what is noted about every page that it opens.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
export const DESKTOP = { viewport: { width: 1280, height: 900 } };
/** The narrowest width that WCAG 2.2, 1.4.10, asks for. */
export const NARROW = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

export function launch() {
  const env = { FONTCONFIG_FILE: join(import.meta.dirname, 'fonts.conf'), ...process.env };
  return chromium.launch({ executablePath: program(), headless: true, args: ARGUMENTS, timeout: 60_000, env });
}

function program() {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
  if (found === undefined) throw new Error(`none of ${NAMES.join(', ')} is on PATH`);
  return found;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A page in a browser context of its own. `faults` gathers whatever the browser complains about. */
export async function openPage(browser, options, home) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults = [];
  const homes = new Set(home);
  page.on('console', (message) => {
    // A status of 4xx is also an entry of the console: the scenes look at the status themselves.
    const isStatus = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (message.type() === 'error' && !isStatus) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // A page that is left may still have been loading its icon.
    if (reason !== 'net::ERR_ABORTED') faults.push(`failed: ${request.url()} ${reason}`);
  });
  context.on('request', (request) => {
    if (!homes.has(new URL(request.url()).origin)) faults.push(`elsewhere: ${request.url()}`);
  });
  context.on('response', (response) => {
    const asset = ['stylesheet', 'image', 'font', 'script'].includes(response.request().resourceType());
    if (asset && !response.ok()) faults.push(`asset: ${response.status()} ${response.url()}`);
  });
  return { page, faults, close: () => context.close() };
}
