// What a person does on the pages.

import { person } from './world.mjs';

/** `press` is a click, or a tap of a thumb. */
export async function logIn(page, username, press = click) {
  const { password } = person(username);
  await page.fill('#username', username);
  await page.fill('#password', password);
  await press(page, '#login-submit');
}

export const click = (page, selector) => page.click(selector);
export const tap = (page, selector) => page.tap(selector);

/** Switches off the browser's own check of empty fields: old browsers have none. */
export const withoutFieldChecks = (page) => page.evaluate(() => {
    for (const form of document.forms) form.noValidate = true;
  });

/** Does something that leads to another page; answers its status. */
export async function statusAfter(page, act) {
  const [answer] = await Promise.all([page.waitForNavigation(), act()]);
  return answer.status();
}
