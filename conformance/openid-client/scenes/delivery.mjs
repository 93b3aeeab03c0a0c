// Ping and push (CIBA 10.2, 10.3): what arrives at the client's own endpoint, judged by node's HTTP server and `jose`.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { createRemoteJWKSet, jwtVerify } from 'jose';

import { answered, ask as askPlainly, backchannel, pollOnce } from '../lib/ciba.mjs';
import { Phone } from '../lib/phone.mjs';
import { jsonOf } from '../lib/receiver.mjs';
import { refused } from '../lib/refusal.mjs';
import { isBoundTo, verified } from '../lib/tokens.mjs';

const RT_HASH = 'urn:openid:params:jwt:claim:rt_hash';
const AUTH_REQ_ID = 'urn:openid:params:jwt:claim:auth_req_id';

export default async function delivery(scene, serving) {
  const { world } = serving;
  const { issuer, pinged, pushed, receiver } = world;
  const phoneOf = (name) => new Phone(issuer, world.person(name, serving));
  const token = () => randomBytes(20).toString('base64url');
  const about = (notification) => (request) => request.headers.authorization === `Bearer ${notification}`;
  const ask = (application, phone, notification, more) =>
    backchannel(application, {
      login_hint: phone.person.username,
      scope: 'openid',
      client_notification_token: notification,
      ...more,
    });

  const pings = async () => {
    const phone = phoneOf('pinged');

    await scene('ping: a client of this mode brings a token for its endpoint', async () => {
      const { username: login_hint } = phone.person;
      await refused(askPlainly(pinged, { login_hint, scope: 'openid' }), 'invalid_request');
      await refused(ask(pinged, phone, 'a'.repeat(1025)), 'invalid_request');
      await refused(ask(pinged, phone, 'not a bearer token'), 'invalid_request');
    });

    await scene('ping: arrives after approval, after a 500 again, and then the token is fetched', async () => {
      const notification = token();
      receiver.answer('/ping', about(notification), { status: 500 }, { status: 200, body: '{"ignored":true}' });
      const asked = await ask(pinged, phone, notification);
      assert.equal(asked.interval, 5);
      await phone.approve({ number: asked.number_to_match });
      const [first, second, ...more] = await receiver.settled('/ping', about(notification), 2);
      for (const request of [first, second]) {
        assert.equal(request.method, 'POST');
        assert.match(request.headers['content-type'], /^application\/json\b/);
        assert.deepEqual(jsonOf(request), { auth_req_id: asked.auth_req_id });
      }
      assert.deepEqual(more, [], 'what was taken is not sent again');
      const answer = await pollOnce(pinged, asked);
      assert.equal(answer.claims().aud, 'pinged');
    });

    await scene('ping: a redirect is not followed', async () => {
      const notification = token();
      const headers = { location: `${receiver.origin}/elsewhere` };
      receiver.answer('/ping', about(notification), { status: 307, headers });
      const asked = await ask(pinged, phone, notification);
      await phone.approve({ number: asked.number_to_match });
      await receiver.settled('/ping', about(notification));
      const polled = await answered(pinged, asked);
      assert.equal(polled.claims().aud, 'pinged', 'a failed ping loses nothing, the client may poll');
      await assert.rejects(within(receiver.requests('/elsewhere', () => true)), /nothing came/);
    });

    await scene('ping: arrives after a denial too', async () => {
      const notification = token();
      const asked = await ask(pinged, phone, notification);
      await phone.deny();
      const [ping] = await receiver.requests('/ping', about(notification));
      assert.deepEqual(jsonOf(ping), { auth_req_id: asked.auth_req_id });
      await refused(pollOnce(pinged, asked), 'access_denied');
    });
  };

  const pushes = async () => {
    const phone = phoneOf('pushed');

    await scene('push: the tokens arrive, and the ID token vouches for them', async () => {
      const notification = token();
      receiver.answer('/push', about(notification), { status: 503 }, { status: 204 });
      const asked = await ask(pushed, phone, notification);
      assert.equal(asked.interval, undefined, 'CIBA 7.3: no interval for push');
      await phone.approve({ number: asked.number_to_match });
      const [failed, request, ...more] = await receiver.settled('/push', about(notification), 2);
      assert.deepEqual(jsonOf(request), jsonOf(failed), 'a failed push loses nothing, and mints nothing twice');
      assert.deepEqual(more, []);
      assert.equal(request.method, 'POST');
      assert.match(request.headers['content-type'], /^application\/json\b/);
      const body = jsonOf(request);
      assert.equal(body.auth_req_id, asked.auth_req_id);
      assert.equal(typeof body.expires_in, 'number');
      const identity = await identityOf(body, issuer, 'pushed');
      assert.equal(identity[AUTH_REQ_ID], asked.auth_req_id);
      assert.equal(identity.at_hash, halfHash(body.access_token));
      assert.equal(identity[RT_HASH], body.refresh_token && halfHash(body.refresh_token));
      const claims = await verified(pushed, { ...body, token_type: body.token_type.toLowerCase() }, issuer);
      await isBoundTo(claims, pushed);
    });

    await scene('push: such a client may not poll', async () => {
      const asked = await ask(pushed, phone, token());
      await refused(pollOnce(pushed, asked), 'unauthorized_client');
      await phone.approve({ number: asked.number_to_match });
    });

    await scene('push: a denial arrives as an error', async () => {
      const notification = token();
      const asked = await ask(pushed, phone, notification);
      await phone.deny();
      const [request] = await receiver.requests('/push', about(notification));
      const { error, auth_req_id, access_token, id_token } = jsonOf(request);
      assert.equal(error, 'access_denied');
      assert.equal(auth_req_id, asked.auth_req_id);
      assert.deepEqual([access_token, id_token], [undefined, undefined]);
    });
  };

  await Promise.all([pings(), pushes()]);
}

async function identityOf({ id_token }, issuer, audience) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const { payload } = await jwtVerify(id_token, keys, { issuer, audience, algorithms: ['RS256'] });
  return payload;
}

/** OpenID Connect Core 3.1.3.6, for RS256. */
function halfHash(token) {
  return createHash('sha256').update(token, 'ascii').digest().subarray(0, 16).toString('base64url');
}

/** A request that must not come. */
function within(request) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('nothing came')), 1_500));
  request.catch(() => {});
  return Promise.race([request, late]);
}
