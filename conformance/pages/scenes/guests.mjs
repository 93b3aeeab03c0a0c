// What clients of outsiders bring to the pages, in one setting of the browser, judged: guests, who are nobody's clients, and web
// apps that sign people in.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { Application, newKeys } from '../../openid-client/lib/application.mjs';
import { openPage } from '../lib/chromium.mjs';
import { judge } from '../lib/judge.mjs';
import { logIn, statusAfter } from '../lib/person.mjs';
import { BANK } from '../lib/world.mjs';

/** Whose guests they are: what is shown in one setting is not there in another. */
const PEOPLE = { 'phone, light': 'maria', 'phone, dark': 'nora', 'desktop, light': 'olaf', 'desktop, dark': 'paul' };

export default async function guests(scene, { browser, world, setting, options }) {
  const { issuer, landing, documents } = world;
  const name = PEOPLE[setting];
  const opened = await openPage(browser, options, world.homes);
  const { page } = opened;
  const judged = (what) => judge(opened, `${setting} ${what}`);
  const back = () => page.waitForURL(`${landing.redirectUri}?**`);
  const consent = async (client_id, parameters) => {
    const request = authorization({ client_id, redirect_uri: landing.redirectUri, ...parameters });
    await page.goto(`${issuer}/authorize?${request.query}`);
    if (page.url().includes('/login')) await logIn(page, name);
    await page.waitForURL(/\/consent/);
    return request;
  };
  const publish = (path, changes) => documents.publish(path, { redirect_uris: [landing.redirectUri], ...changes });
  try {
    await scene('guest: a program on this device, by the name of its host', async () => {
      const client_id = publish(`/${name}/usual`, { client_name: 'Claude', token_endpoint_auth_method: 'none' });
      await consent(client_id, { scope: 'accounts:read', resource: BANK });
      assert.match(await page.locator('main').innerText(), /localhost/);
      await judged('guest-consent');
      await page.click('#consent-approve');
      await back();
      assert.ok(landing.last().searchParams.has('code'));
    });

    await scene('guest: what the resource asks about each time', async () => {
      const client_id = publish(`/${name}/paying`, { client_name: 'Grüße & Söhne', token_endpoint_auth_method: 'none' });
      await consent(client_id, { scope: 'accounts:read', authorization_details: JSON.stringify([PAYMENT]) });
      await judged('guest-consent-types');
    });

    await scene('guest: its document is another one, so its tasks pause', async () => {
      const keys = await newKeys();
      const signed = { client_name: 'Notes', token_endpoint_auth_method: 'private_key_jwt', jwks: keys.jwks };
      const client_id = publish(`/${name}/signed`, signed);
      const client = new Application(issuer, client_id, keys);
      const request = await consent(client_id, { scope: 'accounts:read', resource: BANK });
      await page.click('#consent-approve');
      await back();
      const granted = await redeem(issuer, request, landing, await client.authentication());
      publish(`/${name}/signed`, { client_name: 'Notes', token_endpoint_auth_method: 'none' });
      await consent(client_id, { scope: 'accounts:read', resource: BANK });
      await judged('guest-consent-changed');
      const refused = await renew(issuer, client_id, granted.refresh_token);
      assert.equal(refused.error, 'invalid_grant');
      await page.goto(`${issuer}/app/agents`);
      const card = page.locator('article', { hasText: client_id });
      assert.equal(await card.locator('.state').innerText(), 'Paused because what it says of itself became weaker.');
      assert.equal(await page.locator('article .state', { hasText: 'Acting' }).count(), 1, 'another of the same host goes on');
      await judged('guest-agents');
    });

    await scene('app: a yes that is remembered, and asked for again', async () => {
      await consent('shop', { scope: 'openid', nonce: 'n1' });
      await judged('remember-consent');
      await page.click('#consent-approve');
      await back();
      await page.goto(`${issuer}/app/agents`);
      await judged('remember-agents');
      await page.getByRole('button', { name: 'Ask me again' }).click();
      await judged('remember-forgotten');
    });

    await scene('app: the answer as a form that sends itself', async () => {
      await page.addInitScript(() => (HTMLFormElement.prototype.submit = () => undefined));
      await consent('shop', { scope: 'openid', nonce: 'n1', response_mode: 'form_post' });
      await page.click('#consent-approve');
      await page.locator('#form-post-submit').waitFor();
      await judged('form-post');
    });

    await scene('app: asks whether to sign out', async () => {
      const query = new URLSearchParams({ client_id: 'shop', post_logout_redirect_uri: landing.redirectUri });
      await page.goto(`${issuer}/logout?${query}`);
      await judged('logout');
      await page.click('#logout-submit');
      await page.waitForURL(landing.redirectUri);
    });

    await scene('app: it was stopped', async () => {
      const { query } = authorization({ client_id: 'shop', redirect_uri: landing.redirectUri, scope: 'openid' });
      await world.whileStopped('shop', async () => {
        assert.equal(await statusAfter(page, () => page.goto(`${issuer}/authorize?${query}`)), 400);
        await judged('app-stopped');
      });
    });

    await scene('guest: a document that is not there, a redirect to another site', async () => {
      const { query } = authorization({ client_id: `${documents.origin}/none`, redirect_uri: landing.redirectUri });
      assert.equal(await statusAfter(page, () => page.goto(`${issuer}/authorize?${query}`)), 400);
      await judged('guest-failure');
      const client_id = publish(`/${name}/away`, { redirect_uris: ['https://elsewhere.example/cb'] });
      const away = authorization({ client_id, redirect_uri: 'https://elsewhere.example/cb' });
      assert.equal(await statusAfter(page, () => page.goto(`${issuer}/authorize?${away.query}`)), 400);
      await judged('guest-failure-redirect');
    });

    await scene('guest: a wrong request leads nobody away, and has one link', async () => {
      const client_id = publish(`/${name}/wrong`, { client_name: 'Claude', token_endpoint_auth_method: 'none' });
      const wrong = authorization({ client_id, redirect_uri: landing.redirectUri, code_challenge_method: 'plain' });
      assert.equal(await statusAfter(page, () => page.goto(`${issuer}/authorize?${wrong.query}`)), 400);
      assert.equal(await page.locator('main a').count(), 1);
      await judged('guest-failure-link');
      await page.click('main a');
      await back();
      assert.equal(landing.last().searchParams.get('error'), 'invalid_request');
    });
  } finally {
    await opened.close();
  }
}

const PAYMENT = {
  type: 'payment',
  instructed_amount: { amount: '412.00', currency: 'EUR' },
  creditor: { name: 'KLM', account: { iban: 'NL91ABNA0417164300' } },
  reference: 'Booking 7KQ2PX',
  locations: [BANK],
};

/** A request of the front channel, as such clients send it. */
function authorization(parameters) {
  const verifier = randomBytes(32).toString('base64url');
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const fixed = { response_type: 'code', code_challenge, code_challenge_method: 'S256', state: 's1' };
  return { verifier, client_id: parameters.client_id, query: new URLSearchParams({ ...fixed, ...parameters }) };
}

async function redeem(issuer, { verifier, client_id }, landing, authentication) {
  const answer = await token(issuer, {
    grant_type: 'authorization_code',
    client_id,
    code: landing.last().searchParams.get('code'),
    code_verifier: verifier,
    redirect_uri: landing.redirectUri,
    ...authentication,
  });
  assert.ok(answer.refresh_token, JSON.stringify(answer));
  return answer;
}

const renew = (issuer, client_id, refresh_token) => token(issuer, { grant_type: 'refresh_token', client_id, refresh_token });

async function token(issuer, form) {
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return answer.json();
}
