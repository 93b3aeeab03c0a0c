// The device flow (RFC 8628): an agent in a terminal, and a person who types its code.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { patient } from '../lib/ciba.mjs';
import { Phone } from '../lib/phone.mjs';
import { refused } from '../lib/refusal.mjs';
import { holdsPayment, isBoundTo, isForPerson, verified } from '../lib/tokens.mjs';
import { BANK } from '../lib/world.mjs';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

export default async function device(scene, serving) {
  const { world } = serving;
  const { issuer, payment, asker, stranger } = world;
  const phoneOf = (name) => new Phone(issuer, world.person(name, serving));
  const request = { authorization_details: JSON.stringify([payment]), resource: BANK };
  const start = () => client.initiateDeviceAuthorization(asker.config, request);
  const poll = (asked) =>
    client.pollDeviceAuthorizationGrant(asker.config, asked, undefined, { DPoP: asker.DPoP, signal: patient() });
  const pollOnce = (application, { device_code }) =>
    client.genericGrantRequest(application.config, DEVICE, { device_code }, { DPoP: application.DPoP });

  await Promise.all([
    scene('device: the person types the code and approves, the agent gets its token', async () => {
      const metadata = asker.config.serverMetadata();
      assert.equal(metadata.device_authorization_endpoint, `${issuer}/device_authorization`);
      assert.ok(metadata.grant_types_supported.includes(DEVICE));
      const asked = await start();
      assert.match(asked.user_code, /^[A-Z0-9-]{8,}$/);
      assert.equal(asked.verification_uri, `${issuer}/device`);
      assert.ok(asked.expires_in > 0);
      await refused(pollOnce(stranger, asked), 'invalid_grant');
      const phone = phoneOf('typist');
      const screen = await phone.enter(asked.user_code.toLowerCase().replaceAll('-', ' '));
      assert.match(screen.html, /KLM/, 'RFC 8628 5.4: the person sees who asks and for what');
      const [answer] = await Promise.all([poll(asked), phone.approve({ screen, number: asked.number_to_match })]);
      const claims = await verified(asker, answer);
      isForPerson(claims, issuer, ['agt_asker']);
      await isBoundTo(claims, asker);
      holdsPayment(claims, payment);
      await refused(pollOnce(asker, asked), 'invalid_grant');
    }),

    scene('device: a link with the code inside approves nothing by itself', async () => {
      const asked = await start();
      const phone = phoneOf('follower');
      await phone.open(asked.verification_uri_complete);
      await refused(pollOnce(asker, asked), 'authorization_pending');
      await refused(pollOnce(asker, asked), 'slow_down');
    }),

    scene('device: the person says no', async () => {
      const asked = await start();
      const phone = phoneOf('refuser');
      await phone.deny({ screen: await phone.enter(asked.user_code) });
      await refused(poll(asked), 'access_denied');
    }),

    scene('device: a wrong code opens nothing', async () => {
      const page = await phoneOf('guesser').enter('BCDF-GHJK');
      assert.equal(page.status, 422);
      assert.equal(/id="approval-approve"/.test(page.html), false);
    }),
  ]);
}
