// Screens and languages of the whole matrix; the settings of each run are a few of them.

import { PSEUDO } from './pseudo.mjs';

export const SMALL_PHONE = { width: 360, height: 740 };

const SIZES = [SMALL_PHONE, { width: 390, height: 844 }, { width: 768, height: 1024 }, { width: 1280, height: 800 }];

/** Each size in light and in dark. */
export const EVERY_SCREEN = SIZES.flatMap((viewport) => ['light', 'dark'].map((colorScheme) => ({ viewport, colorScheme })));

/** The shipped ones, and one from right to left. */
export const EVERY_LANGUAGE = ['en', 'de', PSEUDO];

export const nameOf = ({ viewport, colorScheme }) => `${viewport.width} ${colorScheme}`;

/** The page as this screen shows it. */
export async function showOn(page, { viewport, colorScheme }) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
}

/** What this browser reads from now on. */
export const read = (page, world, language) =>
  page.context().addCookies([{ name: 'writ-language', value: language, url: world.issuer }]);

/** Text at 200 % (WCAG 2.2, 1.4.4), until the page is left. */
export const enlarge = (page) => page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
