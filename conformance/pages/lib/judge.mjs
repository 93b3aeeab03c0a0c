// What every page has to be: no finding of axe-core, no sideways scroll, targets for thumbs, nothing from elsewhere, a
// keyboard that reaches everything. Other people's words for it: WCAG 2.2, 1.4.10, 2.4.7, 2.5.5.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SMALLEST_TARGET = 44;
const MOST_TABS = 200;

/** Folder for pictures of every judged page, for people to look at; none are taken without it. */
const PICTURES = process.env.WRIT_PICTURES;

/** Judges what is in the page now; `opened` is what `openPage` gave. */
export async function judge(opened, name) {
  const { page, faults } = opened;
  await noScript(page);
  await picture(page, name);
  await fits(page);
  await targets(page);
  await accessible(page);
  await keyboard(page);
  assert.deepEqual(faults.splice(0), [], 'the browser complained');
}

/** Nothing is wider than the screen. */
export async function fits(page) {
  const { wide, screen, widest } = await page.evaluate(() => {
    const screen = document.documentElement.clientWidth;
    const beyond = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > screen + 1);
    return {
      wide: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
      screen: window.innerWidth,
      widest: beyond.map((e) => e.outerHTML.slice(0, 120)),
    };
  });
  assert.ok(wide <= screen, `${wide} px wide on a screen of ${screen} px`);
  assert.deepEqual(widest, [], 'sticks out of the screen');
}

export async function picture(page, name) {
  if (!PICTURES) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`), fullPage: true });
}

/** Each thing to press is 44 px high and wide; a box counts with its label. */
async function targets(page) {
  const small = await page.evaluate((smallest) => {
    const boxes = (element) => [element, ...(element.type === 'checkbox' ? (element.labels ?? []) : [])];
    const size = (element) => {
      const all = boxes(element).map((one) => one.getBoundingClientRect());
      return {
        width: Math.max(...all.map((r) => r.right)) - Math.min(...all.map((r) => r.left)),
        height: Math.max(...all.map((r) => r.bottom)) - Math.min(...all.map((r) => r.top)),
      };
    };
    return [...document.querySelectorAll('a[href], button, input:not([type=hidden])')]
      .map((element) => ({ element: element.outerHTML.slice(0, 120), ...size(element) }))
      .filter(({ width, height }) => width < smallest || height < smallest);
  }, SMALLEST_TARGET);
  assert.deepEqual(small, [], 'too small to press');
}

async function noScript(page) {
  const active = await page.evaluate(() => {
    const handlers = (e) => [...e.attributes].some(({ name }) => name.startsWith('on') || name === 'style');
    return [...document.querySelectorAll('*')]
      .filter((e) => ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'STYLE'].includes(e.tagName) || handlers(e))
      .map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(active, [], 'the pages hold no script and no style of their own');
}

async function accessible(page) {
  const { violations, passes } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html.slice(0, 160)) }));
  assert.deepEqual(found, [], 'axe-core');
  assert.ok(passes.length > 10, 'axe-core judged something');
}

/** From the top of the page, Tab reaches everything in its order, each time with a ring that can be seen. */
async function keyboard(page) {
  const wanted = await page.evaluate(() => {
    window.getSelection()?.removeAllRanges();
    document.activeElement?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden])')];
    return all.map((e) => e.id || e.getAttribute('href'));
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
        name: element.id || element.getAttribute('href'),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: place.bottom > 0 && place.top < window.innerHeight,
      };
    });
    if (found === undefined) break;
    assert.ok(found.ring, `no ring around ${found.name}`);
    assert.ok(found.seen, `${found.name} has the focus out of sight`);
    reached.push(found.name);
  }
  assert.deepEqual(reached, wanted, 'what Tab reaches');
}
