// What every page has to be: no finding of axe-core, no sideways scroll, targets for thumbs, nothing from elsewhere, a
// keyboard that reaches everything. Other people's words for it: WCAG 2.2, 1.4.10, 2.4.7, 2.5.5.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import axe from 'axe-core';

import { bare, PSEUDO } from './pseudo.mjs';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SMALLEST_TARGET = 44;
const MOST_TABS = 200;

/** Folder for pictures of every judged page, for people to look at; none are taken without it. */
let folder = process.env.WRIT_PICTURES;

export function takePictures(into) {
  folder = into;
}

/** Judges what is in the page now; `opened` is what `openPage` gave. */
export async function judge(opened, name) {
  const { page, faults } = opened;
  await noScript(page);
  await picture(page, name);
  await fits(page);
  await unbroken(page);
  await isolated(page);
  await targets(page);
  await accessible(page);
  await keyboard(page);
  assert.deepEqual(faults.splice(0), [], 'the browser complained');
}

/** Nothing is wider than the screen. */
export async function fits(page) {
  const { wide, screen, widest } = await page.evaluate(() => {
    const screen = document.documentElement.clientWidth;
    // What is cut at the edge of something else ends there.
    const clips = (e) => getComputedStyle(e).overflowX !== 'visible';
    const cut = (e) => e.parentElement !== document.body && (clips(e.parentElement) || cut(e.parentElement));
    const isBeyond = ({ left, right }) => right > screen + 1 || left < -1;
    const beyond = [...document.querySelectorAll('body *')].filter((e) => isBeyond(e.getBoundingClientRect()) && !cut(e) && !e.matches('.unseen'));
    return {
      wide: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
      screen: window.innerWidth,
      widest: beyond.map((e) => e.outerHTML.slice(0, 120)),
    };
  });
  assert.ok(wide <= screen, `${wide} px wide on a screen of ${screen} px`);
  assert.deepEqual(widest, [], 'sticks out of the screen');
}

/** No word of the navigation is broken. */
export async function unbroken(page) {
  const broken = await page.evaluate(() => {
    const lines = (element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
    };
    return [...document.querySelectorAll('.tab-text')].filter((text) => lines(text) > 1).map((text) => text.innerText);
  });
  assert.deepEqual(broken, [], 'a word of the navigation is broken');
}

/** From right to left each value stands by itself, in its own direction: `EUR 412.00` is not drawn as `412.00 EUR`. */
export async function isolated(page) {
  const texts = await page.evaluate(() => {
    if (document.documentElement.dir !== 'rtl') return [];
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (nodes.nextNode()) {
      const { currentNode: text } = nodes;
      if (text.parentElement.closest('bdi, body [dir], option, script, noscript, .unseen') === null) found.push(text.data);
    }
    return found;
  });
  const values = texts.filter((text) => /[\p{L}\p{N}]/u.test(bare(text)));
  assert.deepEqual(values, [], 'a value takes the direction of the page');
}

/** How many lines of text are in this one element, as it is now. */
export function linesOf(locator) {
  return locator.evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const rects = [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
    const bottoms = rects.map(({ bottom }) => bottom).sort((a, b) => a - b);
    // Letters of two sizes in one line end a few pixels apart.
    return bottoms.filter((bottom, place) => place === 0 || bottom - bottoms[place - 1] > 8).length;
  });
}

/** What of a request is read before scrolling, above the buttons; and which of its warnings, buttons and acts are out of sight. */
export function firstScreen(page) {
  return page.evaluate(() => {
    const bar = document.querySelector('.decide').getBoundingClientRect();
    const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    const words = [];
    while (texts.nextNode()) {
      const { currentNode: text } = texts;
      // Large screens also show the names of what is folded below the question.
      if (!text.parentElement.checkVisibility() || text.parentElement.closest('.unseen, #less > summary, #wrong > summary')) continue;
      const range = document.createRange();
      for (const { index, 0: word } of text.data.matchAll(/\S+/g)) {
        if (!/[\p{L}\p{N}]/u.test(word)) continue;
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const { top, bottom } = range.getBoundingClientRect();
        if (bottom > 0 && top < Math.min(bar.top, window.innerHeight)) words.push(word);
      }
    }
    const isIn = (element, low) => {
      const { top, bottom } = element.getBoundingClientRect();
      return top >= 0 && bottom <= low + 1;
    };
    const warnings = [...document.querySelectorAll('.acts .hints li')];
    const buttons = [...document.querySelectorAll('.decide-buttons > *')];
    // Buttons that stand below what they grant are out of sight until all of it was passed.
    const { position } = getComputedStyle(document.querySelector('.decide'));
    const acts = [...document.querySelectorAll('.act')];
    const hidden = [
      ...warnings.filter((one) => !isIn(one, Math.min(bar.top, window.innerHeight))),
      ...buttons.filter((one) => position === 'sticky' && !isIn(one, window.innerHeight)),
      ...acts.filter((one) => one.getBoundingClientRect().bottom > bar.top),
    ];
    return { words, warnings: warnings.map((one) => one.innerText), hidden: hidden.map((one) => one.outerHTML.slice(0, 120)) };
  });
}

export async function picture(page, name) {
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await still(page);
  await page.screenshot({ path: join(folder, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`), fullPage: true });
}

/** What moves has come to its end. */
export async function still(page) {
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) animation.finish();
  });
}

/** Each thing to press is 44 px high and wide; a box counts with its label. */
async function targets(page) {
  const small = await page.evaluate((smallest) => {
    const isBox = ({ type }) => type === 'checkbox' || type === 'radio';
    const boxes = (element) => [element, ...(isBox(element) ? (element.labels ?? []) : [])];
    const size = (element) => {
      const all = boxes(element).map((one) => one.getBoundingClientRect());
      return {
        width: Math.max(...all.map((r) => r.right)) - Math.min(...all.map((r) => r.left)),
        height: Math.max(...all.map((r) => r.bottom)) - Math.min(...all.map((r) => r.top)),
      };
    };
    const shown = (element) => element.checkVisibility() && !element.matches('.skip');
    return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
      .filter(shown)
      .map((element) => ({ element: element.outerHTML.slice(0, 120), ...size(element) }))
      .filter(({ width, height }) => width < smallest || height < smallest);
  }, SMALLEST_TARGET);
  assert.deepEqual(small, [], 'too small to press');
}

/** Scripts are files of ours, with a hash in their name; consent has none at all. */
async function noScript(page) {
  const active = await page.evaluate(() => {
    // Taking a picture leaves an empty `style` behind.
    const styled = (e) => (e.getAttribute('style') ?? '') !== '';
    const handlers = (e) => styled(e) || [...e.attributes].some(({ name }) => name.startsWith('on'));
    const ours = (e) => e.tagName === 'SCRIPT' && /^\/static\/[a-z-]+-[0-9a-f]{16}\.js$/.test(e.getAttribute('src') ?? '');
    // The answer to an app as a form, which stands there too, has a script that sends it.
    const sends = (e) => document.getElementById('form-post') !== null && e.getAttribute('src').startsWith('/static/form-post-');
    const allowed = (e) => ours(e) && e.text === '' && (location.pathname !== '/consent' || sends(e));
    return [...document.querySelectorAll('*')]
      .filter((e) => ['script', 'iframe', 'object', 'embed', 'style'].includes(e.localName) || handlers(e))
      .filter((e) => !allowed(e))
      .map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(active, [], 'the pages hold no script and no style of their own');
}

async function accessible(page) {
  // Sizes are judged above, and more strictly; what the bar at the bottom hides is judged by the keyboard.
  const language = await page.locator('html').getAttribute('lang');
  const left = language === PSEUDO ? ['target-size', 'html-lang-valid'] : ['target-size'];
  const rules = Object.fromEntries(left.map((name) => [name, { enabled: false }]));
  await page.evaluate(axe.source);
  // A colour on its way from one scheme to the other is neither.
  await still(page);
  // Of rules that pass one example each is enough: most of the work is to describe all of them.
  const options = { runOnly: { type: 'tag', values: RULES }, rules, resultTypes: ['violations'] };
  const { found, passes } = await page.evaluate(async (options) => {
    const { violations, passes } = await window.axe.run(document, options);
    const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html.slice(0, 160)) }));
    return { found, passes: passes.length };
  }, options);
  assert.deepEqual(found, [], 'axe-core');
  assert.ok(passes > 10, 'axe-core judged something');
}

/** From the top of the page, Tab reaches everything in its order, each time with a ring that can be seen. */
async function keyboard(page) {
  const wanted = await page.evaluate(() => {
    window.getSelection()?.removeAllRanges();
    document.activeElement?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')];
    // Of radio buttons one is reached, and the arrows lead on.
    const isFurther = (e) => e.type === 'radio' && all.find(({ name }) => name === e.name) !== e;
    const reachable = all.filter((e) => e.checkVisibility() && !e.disabled && !isFurther(e));
    return reachable.map((e) => e.id || e.getAttribute('href') || e.name || e.parentElement.id);
  });
  const reached = [];
  for (let press = 0; press < MOST_TABS && reached.length < wanted.length; press += 1) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return undefined;
      const style = getComputedStyle(element);
      const place = element.getBoundingClientRect();
      return {
        name: element.id || element.getAttribute('href') || element.name || element.parentElement.id,
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: place.bottom > 0 && place.top < window.innerHeight,
        hidden: isHidden(element, place),
      };

      /** WCAG 2.2, 2.4.11: something else is drawn over all of it. */
      function isHidden(element, { left, right, top, bottom }) {
        const points = [0.1, 0.5, 0.9].map((part) => [(left + right) / 2, top + (bottom - top) * part]);
        const over = points.map(([x, y]) => document.elementFromPoint(x, y));
        const own = (other) => other === null || other.contains(element) || element.contains(other);
        const labelled = (other) => [...(element.labels ?? [])].some((label) => label.contains(other));
        return !over.some((other) => own(other) || labelled(other));
      }
    });
    if (found === undefined) break;
    assert.ok(found.ring, `no ring around ${found.name}`);
    assert.ok(found.seen && !found.hidden, `${found.name} has the focus out of sight`);
    // A field for a time has a stop for each of its parts.
    if (reached.at(-1) !== found.name) reached.push(found.name);
  }
  assert.deepEqual(reached, wanted, 'what Tab reaches');
}
