// Token exchange (RFC 8693) as docs/exchange.md says: narrow, hand over, and what must be refused.

import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { refused } from '../lib/refusal.mjs';
import { holdsPayment, isBoundTo, isForPerson, verified } from '../lib/tokens.mjs';
import { narrowed, widened } from '../lib/payments.mjs';
import { BANK, TOKEN_EXCHANGE } from '../lib/world.mjs';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

export default async function exchange(scene, serving) {
  const { issuer, payment, planner, booker, stranger } = serving.world;
  const subject = () => ({
    subject_token: serving.tokens.access_token,
    subject_token_type: `${TOKEN_TYPE}access_token`,
    resource: BANK,
  });
  const ask = (application, parameters, DPoP = application.DPoP) =>
    client.genericGrantRequest(application.config, TOKEN_EXCHANGE, parameters, { DPoP });
  const asserted = async (agent, changes) => ({
    actor_token: await agent.actorAssertion(planner, changes),
    actor_token_type: `${TOKEN_TYPE}jwt`,
  });
  const details = (...list) => ({ authorization_details: JSON.stringify(list) });
  const smaller = narrowed(payment);

  await scene('narrow: the holder takes less, with the same key', async () => {
    const answer = await ask(planner, { ...subject(), ...details(smaller) });
    assert.equal(answer.issued_token_type, `${TOKEN_TYPE}access_token`);
    assert.equal(answer.refresh_token, undefined);
    const claims = await verified(planner, answer);
    isForPerson(claims, issuer, ['agt_planner']);
    await isBoundTo(claims, planner);
    assert.equal(holdsPayment(claims, smaller), serving.ref, '`ref` survives');
    assert.notEqual(claims.act.dlg, serving.claims.act.dlg, 'less authority is another delegation');
    serving.narrowed = answer;
  });

  await scene('narrow: who asked for less does not come back for more', async () => {
    const back = { ...subject(), subject_token: serving.narrowed.access_token };
    const body = await refused(ask(planner, { ...back, ...details(payment) }), 'invalid_authorization_details');
    assert.match(body.excess[0].pointer, /^\//);
  });

  await scene('narrow: a wider payment is refused with a pointer to the excess', async () => {
    const wider = ask(planner, { ...subject(), ...details(widened(payment)) });
    const body = await refused(wider, 'invalid_authorization_details');
    assert.match(body.excess[0].pointer, /^\//);
    assert.ok('requested' in body.excess[0]);
  });

  await scene('narrow: two payments are not covered by one', async () => {
    await refused(ask(planner, { ...subject(), ...details(smaller, smaller) }), 'invalid_authorization_details');
  });

  await scene('hand over: the booker acts for alice through the planner, with its own key', async () => {
    const answer = await ask(planner, { ...subject(), ...details(smaller), ...(await asserted(booker)) });
    assert.equal(answer.refresh_token, undefined);
    const claims = await verified(booker, answer);
    isForPerson(claims, issuer, ['agt_booker', 'agt_planner']);
    await isBoundTo(claims, booker);
    assert.equal(holdsPayment(claims, smaller), serving.ref, '`ref` survives');
    assert.equal(claims.sub, serving.claims.sub);
    assert.equal(claims.mission.id, serving.claims.mission.id);
    serving.handedOver = answer;
  });

  await scene('hand over: the resource sees the whole chain', async () => {
    const seen = await client.tokenIntrospection(serving.bank, serving.handedOver.access_token);
    assert.equal(seen.active, true);
    assert.equal(seen.act.sub, 'agt_booker');
    assert.equal(seen.act.act.sub, 'agt_planner');
  });

  await scene("hand over: the other agent's own token serves as actor token", async () => {
    const own = await client.clientCredentialsGrant(booker.config, undefined, { DPoP: booker.DPoP });
    const actor = { actor_token: own.access_token, actor_token_type: `${TOKEN_TYPE}access_token` };
    const claims = await verified(booker, await ask(planner, { ...subject(), ...actor }));
    isForPerson(claims, issuer, ['agt_booker', 'agt_planner']);
    await isBoundTo(claims, booker);
  });

  await scene('hand over: the new holder may narrow, and the caller has no use of it', async () => {
    const held = { ...subject(), subject_token: serving.handedOver.access_token };
    isForPerson(await verified(booker, await ask(booker, held)), issuer, ['agt_booker', 'agt_planner']);
    await refused(ask(planner, held), 'invalid_request');
  });

  await scene('hand over: not to an agent outside `onward`', async () => {
    await refused(ask(planner, { ...subject(), ...(await asserted(stranger)) }), 'invalid_request');
  });

  await scene('hand over: not with a faulty assertion', async () => {
    const used = await asserted(booker);
    await ask(planner, { ...subject(), ...used });
    const faulty = [
      used,
      await asserted(booker, { azp: 'agt_stranger' }),
      await asserted(booker, { aud: [issuer] }),
      await asserted(booker, { exp: Math.floor(Date.now() / 1000) + 3600 }),
      await asserted(booker, { cnf: { jkt: await planner.thumbprint() } }),
      { ...(await asserted(booker)), actor_token_type: `${TOKEN_TYPE}access_token` },
    ];
    for (const actor of faulty) await refused(ask(planner, { ...subject(), ...actor }), 'invalid_request');
  });

  await scene('exchange: a stolen token is of no use to another agent, nor to another key', async () => {
    await refused(ask(stranger, subject()), 'invalid_request');
    await refused(ask(booker, subject()), 'invalid_request');
    await refused(ask(planner, subject(), await planner.newProofKey()), 'invalid_request');
  });

  await scene('exchange: no target that was not granted', async () => {
    await refused(ask(planner, { ...subject(), resource: 'https://other.example' }), 'invalid_target');
  });
}
