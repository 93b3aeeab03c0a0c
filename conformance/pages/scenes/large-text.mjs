// Text at 200 % on the narrowest screen (WCAG 2.2, 1.4.4 and 1.4.10): longer pages, never wider ones.

import { openPage } from '../lib/chromium.mjs';
import { fits, picture } from '../lib/judge.mjs';
import { logIn } from '../lib/person.mjs';
import { long, rightToLeft, trip } from '../lib/requests.mjs';

export default async function largeText(scene, { browser, world, options }) {
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  const large = async (name) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    await picture(page, `large ${name}`);
    await fits(page);
  };
  try {
    await scene('login', async () => {
      await page.goto((await trip(world)).url.href);
      await large('login');
    });
    for (const [name, ask] of Object.entries({ trip, long, rightToLeft })) {
      await scene(`consent: ${name}`, async () => {
        await page.goto((await ask(world)).url.href);
        await logIn(page, 'alice');
        await page.waitForURL(/\/consent/);
        await large(`consent ${name}`);
      });
    }
    await scene('mine', async () => {
      await page.goto(`${world.issuer}/app`);
      await large('mine');
    });
    await scene('failure', async () => {
      await page.goto(world.answered.href);
      await large('failure');
    });
  } finally {
    await opened.close();
  }
}
