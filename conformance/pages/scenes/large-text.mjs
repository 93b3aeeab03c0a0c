// Text at 200 % on the narrowest screen (WCAG 2.2, 1.4.4 and 1.4.10): longer pages, never wider ones.

import { ask, events, payment } from '../lib/asks.mjs';
import { openPage } from '../lib/chromium.mjs';
import { fits, picture, unbroken } from '../lib/judge.mjs';
import { logIn } from '../lib/person.mjs';
import { requests } from '../lib/phone.mjs';
import { long, rightToLeft, trip } from '../lib/requests.mjs';

const LONG_PAYEE = 'Großhandelsgesellschaft für Schiffsausrüstungen und Überseeverpackungen Müller, Jäger & Söhne';

export default async function largeText(scene, { browser, world, options }) {
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  const large = async (name) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    await picture(page, `large ${name}`);
    await fits(page);
    await unbroken(page);
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
    await scene('the app', async () => {
      for (const path of ['', '/agents', '/activity', '/devices', '/settings']) {
        await page.goto(`${world.issuer}/app${path}`);
        await large(`app${path.replace('/', '-')}`);
      }
    });
    await scene('approval', async () => {
      await ask(world.long, 'alice', [payment('1234567.89', LONG_PAYEE), events('Überstundenausgleichsplanung')]);
      await page.goto(`${world.issuer}/app`);
      await requests(page).first().click();
      await page.locator('#approval-deny').waitFor();
      await large('approval');
      await page.click('#less > summary');
      await large('approval less');
    });
    await scene('failure', async () => {
      await page.goto(world.answered.href);
      await large('failure');
    });
  } finally {
    await opened.close();
  }
}
