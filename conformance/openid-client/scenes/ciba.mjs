// CIBA by poll (OpenID CIBA Core 1.0), as an agent with DPoP and RAR and as a plain client with `openid`. The person is
// lib/phone.mjs. Each scene has people of its own, so that all can wait at the same time and no budget is shared.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { answered as poll, ask, backchannel, CIBA, pollOnce, signedRequest } from '../lib/ciba.mjs';
import { narrowed } from '../lib/payments.mjs';
import { Phone } from '../lib/phone.mjs';
import { refused } from '../lib/refusal.mjs';
import { holdsPayment, isBoundTo, isForPerson, verified } from '../lib/tokens.mjs';
import { BANK } from '../lib/world.mjs';

export default async function ciba(scene, serving) {
  const { world } = serving;
  const { issuer, payment, asker, till, signer, stranger } = world;
  const phoneOf = (name) => new Phone(issuer, world.person(name, serving));
  const hint = (phone) => ({ login_hint: phone.person.username });
  const details = (...list) => ({ authorization_details: JSON.stringify(list), resource: BANK });

  await scene('ciba: metadata says how it can be used', async () => {
    const metadata = asker.config.serverMetadata();
    assert.equal(metadata.backchannel_authentication_endpoint, `${issuer}/bc-authorize`);
    assert.deepEqual([...metadata.backchannel_token_delivery_modes_supported].sort(), ['ping', 'poll', 'push']);
    assert.ok(metadata.grant_types_supported.includes(CIBA));
    assert.equal(metadata.backchannel_user_code_parameter_supported, true);
    assert.ok(metadata.backchannel_authentication_request_signing_alg_values_supported.includes('ES256'));
    assert.deepEqual(metadata.acr_values_supported, ['urn:writ:acr:password'], 'an address of numbers has no passkeys');
  });

  await Promise.all([
    scene('ciba: an agent asks, the person approves, the token is good for exactly that, once', async () => {
      const phone = phoneOf('approver');
      const asked = await ask(asker, { ...hint(phone), ...details(payment), binding_message: 'Invoice 4711' });
      assert.match(asked.auth_req_id, /^[A-Za-z0-9._-]{22,}$/, 'CIBA 7.3: at least 128 bits of a safe alphabet');
      assert.equal(asked.interval, 5);
      const screen = await phone.screen();
      assert.match(screen.html, /Invoice 4711/, 'CIBA 7.1: the binding message is on the screen');
      assert.match(screen.html, /KLM/);
      const [answer] = await Promise.all([poll(asker, asked), phone.approve({ screen, number: asked.number_to_match })]);
      const claims = await verified(asker, answer);
      isForPerson(claims, issuer, ['agt_asker']);
      await isBoundTo(claims, asker);
      holdsPayment(claims, payment);
      assert.equal(claims.approval.basis, 'password');
      await refused(pollOnce(asker, asked), 'invalid_grant');
      const seen = await client.tokenIntrospection(serving.bank, answer.access_token);
      assert.equal(seen.active, true);
      assert.equal(seen.approval.basis, 'password');
    }),

    scene('ciba: the person approves less, and less is granted', async () => {
      const phone = phoneOf('frugal');
      const asked = await ask(asker, { ...hint(phone), ...details(payment) });
      const smaller = narrowed(payment);
      await phone.approveLess(smaller.instructed_amount.amount, { number: asked.number_to_match });
      const answer = await poll(asker, asked);
      holdsPayment(await verified(asker, answer), smaller);
      assert.equal(answer.authorization_details.length, 1, 'RFC 9396 7: the answer says what was granted');
    }),

    scene('ciba: the person says no', async () => {
      const phone = phoneOf('denier');
      const asked = await ask(asker, { ...hint(phone), ...details(payment) });
      await phone.deny();
      await refused(poll(asker, asked), 'access_denied');
      await refused(pollOnce(asker, asked), 'access_denied');
    }),

    scene('ciba: nobody answers, and expiry means no', async () => {
      const phone = phoneOf('absent');
      const asked = await ask(asker, { ...hint(phone), ...details(payment), requested_expiry: '10' });
      assert.equal(asked.expires_in, 10);
      const screen = await phone.screen();
      await refused(poll(asker, asked), 'expired_token');
      const late = await phone.approve({ screen, number: asked.number_to_match });
      assert.equal(/id="approval-approve"/.test(late.html), false, 'too late to decide');
      await refused(pollOnce(asker, asked), 'expired_token');
    }),

    scene('ciba: the first poll is free, a hasty one is told to slow down for good', async () => {
      const phone = phoneOf('slow');
      const asked = await ask(asker, { ...hint(phone), ...details(payment) });
      await refused(pollOnce(asker, asked), 'authorization_pending');
      await refused(pollOnce(asker, asked), 'slow_down');
      await refused(pollOnce(asker, asked), 'slow_down');
      await phone.approve({ number: asked.number_to_match });
      const answer = await poll(asker, { ...asked, interval: asked.interval + 11 });
      await verified(asker, answer);
    }),

    scene('ciba: another client cannot redeem it, nor another key', async () => {
      const phone = phoneOf('guarded');
      const asked = await backchannel(asker, { ...hint(phone), ...details(payment) });
      await refused(pollOnce(stranger, asked), 'invalid_grant');
      await phone.approve({ number: asked.number_to_match });
      const DPoP = await asker.newProofKey();
      await refused(pollOnce(asker, asked, DPoP), 'invalid_grant');
      await isBoundTo(await verified(asker, await poll(asker, asked)), asker);
    }),

    scene('ciba: a plain client learns who approved, by an ID token that openid-client validates', async () => {
      client.enableNonRepudiationChecks(till.config);
      const phone = phoneOf('shopper');
      const asked = await ask(till, {
        ...hint(phone),
        scope: 'openid',
        acr_values: 'urn:writ:acr:password',
        binding_message: 'K7',
      });
      const [answer] = await Promise.all([poll(till, asked), phone.approve({ number: asked.number_to_match })]);
      const identity = answer.claims();
      assert.match(identity.sub, /^usr_/);
      assert.equal(identity.aud, 'till');
      assert.equal(identity.acr, 'urn:writ:acr:password', 'FAPI-CIBA 5.2.2: `acr` was asked');
      assert.equal(typeof identity.auth_time, 'number');
      const said = await client.fetchUserInfo(till.config, answer.access_token, identity.sub, { DPoP: till.DPoP });
      assert.equal(said.sub, identity.sub);
    }),

    scene('ciba: a signed request, and never without its signature', async () => {
      const phone = phoneOf('signed');
      await refused(ask(signer, { ...hint(phone), scope: 'openid' }), 'invalid_request');
      const request = await signedRequest(signer, { ...hint(phone), scope: 'openid', requested_expiry: 60 });
      const asked = await ask(signer, { request });
      assert.equal(asked.expires_in, 60);
      await refused(ask(signer, { request }), 'invalid_request');
      const [answer] = await Promise.all([poll(signer, asked), phone.approve({ number: asked.number_to_match })]);
      assert.equal(answer.claims().aud, 'signer');
    }),

    scene('ciba: a faulty request is refused at once', async () => {
      const phone = phoneOf('approver');
      await refused(ask(till, { scope: 'openid' }), 'invalid_request');
      await refused(ask(till, { ...hint(phone), scope: 'openid', id_token_hint: 'e30.e30.e30' }), 'invalid_request');
      await refused(ask(till, { login_hint: 'nobody-at-all', scope: 'openid' }), 'unknown_user_id');
      await refused(ask(till, { ...hint(phone), scope: 'openid', requested_expiry: '0' }), 'invalid_request');
      const hidden = { ...hint(phone), scope: 'openid', binding_message: 'pay\u202Eyap' };
      await refused(ask(till, hidden), 'invalid_binding_message');
      const unrelated = { login_hint: world.person('new', serving).username, ...details(payment) };
      await refused(ask(asker, unrelated), 'unknown_user_id');
      await refused(ask(till, { login_hint: unrelated.login_hint, scope: 'openid' }), 'unknown_user_id');
    }),
  ]);
}
