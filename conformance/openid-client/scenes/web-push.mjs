// Web Push (RFC 8030, 8291, 8292): `http_ece` decrypts what arrives at a push service on loopback, `jose` verifies who sent
// it. The subscription is registered as the page's script does it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';

import { ask as askPlainly } from '../lib/ciba.mjs';
import { csrfOf, Phone } from '../lib/phone.mjs';
import { browserKeys, senderOf } from '../lib/subscription.mjs';
import { BANK, PUSH_CONTACT } from '../lib/world.mjs';

const LARGEST_MESSAGE = 4096;
const LONGEST_LIFE = 24 * 3600;

export default async function webPush(scene, serving) {
  const { world } = serving;
  const { issuer, payment, asker, receiver } = world;
  const phone = new Phone(issuer, world.person('notified', serving));
  const device = browserKeys();
  const path = `/device-${randomBytes(8).toString('hex')}`;
  let key;

  const register = async (keys, endpoint = `${receiver.origin}${path}`) => {
    const page = await phone.open('/app/devices');
    key = applicationServerKey(page.html);
    const subscription = JSON.stringify({ endpoint, expirationTime: null, keys });
    return phone.post('/app/devices/push', { csrf: csrfOf(page), subscription, name: 'Phone' });
  };
  const ask = () =>
    askPlainly(asker, {
      login_hint: phone.person.username,
      authorization_details: JSON.stringify([payment]),
      resource: BANK,
    });
  let asked;
  const approve = () => phone.approve({ number: asked.number_to_match });
  const arrived = async (count) => (await receiver.requests(path, () => true, count)).at(-1);

  await scene('web push: a subscription with a key of another kind is refused', async () => {
    const short = { p256dh: device.keys.p256dh, auth: randomBytes(12).toString('base64url') };
    const offCurve = Buffer.concat([Buffer.of(4), randomBytes(64)]).toString('base64url');
    for (const keys of [short, { p256dh: offCurve, auth: device.keys.auth }]) {
      assert.ok((await register(keys)).status >= 400);
    }
    assert.ok((await register(device.keys, 'http://192.168.0.1/push')).status >= 400, 'a private address is not called');
  });

  await scene('web push: the phone buzzes, and only the phone can read why', async () => {
    receiver.answer(path, () => true, { status: 201 });
    assert.ok((await register(device.keys)).status < 400);
    asked = await ask();
    const message = await arrived(1);
    assert.equal(message.method, 'POST');
    assert.equal(message.headers['content-encoding'], 'aes128gcm');
    assert.match(message.headers.ttl, /^[0-9]+$/, 'RFC 8030 5.2');
    assert.ok(Number(message.headers.ttl) <= asked.expires_in, 'no longer than the request waits');
    if (message.headers.topic !== undefined) assert.match(message.headers.topic, /^[A-Za-z0-9_-]{1,32}$/);
    assert.ok(message.body.length <= LARGEST_MESSAGE);
    const said = JSON.parse(device.decrypt(message.body));
    assert.ok(said.title, 'a notification has a title');
    const [waiting] = await phone.waiting();
    assert.ok(JSON.stringify(said).includes(waiting), 'it opens the page of this request');
    assert.equal(JSON.stringify(said).includes(asked.auth_req_id), false);
  });

  await scene('web push: signed by the key that the page gave to the browser (VAPID)', async () => {
    const message = await arrived(1);
    const { t, k } = vapid(message.headers.authorization);
    assert.equal(k, key, 'RFC 8292 4.2: the key of the subscription');
    const { payload } = await jwtVerify(t, await importJWK(point(k), 'ES256'), {
      audience: receiver.origin,
      algorithms: ['ES256'],
    });
    assert.equal(decodeProtectedHeader(t).alg, 'ES256');
    assert.equal(payload.sub, PUSH_CONTACT);
    const life = payload.exp - Math.floor(Date.now() / 1000);
    assert.ok(life > 0 && life <= LONGEST_LIFE, `${life} s`);
    assert.notEqual(senderOf(message.body), k, 'RFC 8292 3.2: never the key that encrypts');
  });

  await scene('web push: salt and key are fresh for each message', async () => {
    await approve();
    asked = await ask();
    const [first, second] = await receiver.requests(path, () => true, 2);
    assert.notDeepEqual(first.body.subarray(0, 16), second.body.subarray(0, 16));
    assert.notEqual(senderOf(first.body), senderOf(second.body));
    device.decrypt(second.body);
  });

  await scene('web push: a subscription that is gone is used no more', async () => {
    receiver.forget(path);
    receiver.answer(path, () => true, { status: 410 });
    await approve();
    asked = await ask();
    await arrived(3);
    await approve();
    asked = await ask();
    assert.equal((await receiver.settled(path, () => true, 3)).length, 3);
  });
}

function vapid(authorization) {
  const [, scheme, rest] = /^(\S+) (.*)$/.exec(authorization);
  assert.equal(scheme.toLowerCase(), 'vapid');
  return Object.fromEntries(rest.split(',').map((part) => /^\s*(\w+)=(.*?)\s*$/.exec(part).slice(1)));
}

function point(k) {
  const octets = Buffer.from(k, 'base64url');
  assert.equal(octets.length, 65);
  const part = (from) => octets.subarray(from, from + 32).toString('base64url');
  return { kty: 'EC', crv: 'P-256', x: part(1), y: part(33) };
}

function applicationServerKey(html) {
  const [, key] = /data-push-key="([A-Za-z0-9_-]{87})"/.exec(html) ?? [];
  assert.ok(key, 'the page gives scripts the key');
  return key;
}
