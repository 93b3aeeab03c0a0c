// A verifier of liveness (docs/liveness.md) on loopback: its page shows one button, and sends the browser back with what it found.
// It checks what it is asked as a real one must: by the issuer's published keys.

import { once } from 'node:events';
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';

const ISSUER = 'https://seer.example';

export async function createSeer() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(`${x}.${y}`).digest('base64url');
  const asked = [];
  let finding = {};
  let issuer;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, origin());
    if (url.pathname !== '/look') return response.writeHead(204).end();
    const wanted = await read(url.searchParams.get('liveness_request'), issuer);
    asked.push(wanted);
    const back = new URL(wanted.return_to);
    back.searchParams.set('liveness_result', result(wanted));
    const page = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Seer</title>
      <link rel="icon" href="data:,"><main><h1>Look here</h1><a id="seen" href="${back.href.replaceAll('&', '&amp;')}">Done</a></main>`;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'referrer-policy': 'no-referrer' }).end(page);
  });
  const origin = () => `http://127.0.0.1:${server.address().port}`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function result({ iss, sub, challenge }) {
    const now = Math.floor(Date.now() / 1000);
    const said = { iss: ISSUER, aud: iss, sub, challenge, result: 'live', jti: randomUUID(), iat: now, exp: now + 120 };
    const header = { typ: 'writ-liveness-result+jwt', alg: 'ES256', kid };
    const input = [header, { ...said, ...finding }].map(encode).join('.');
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  return {
    origin: origin(),
    env: {
      WRIT__LIVENESS__URL: `${origin()}/look`,
      WRIT__LIVENESS__ISSUER: ISSUER,
      WRIT__LIVENESS__JWKS: JSON.stringify({ keys: [{ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }] }),
    },
    /** Whose requests count. */
    trust: (server) => (issuer = server),
    /** What it says next, where that is not the truth. */
    finds: (members) => (finding = members),
    /** What it was asked last. */
    last: () => asked.at(-1),
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

async function read(jwt, issuer) {
  const [header, claims, signature] = jwt.split('.');
  const { typ, alg, kid } = decode(header);
  if (typ !== 'writ-liveness-request+jwt' || alg !== 'ES256') throw new Error(`typ ${typ}, alg ${alg}`);
  const { keys } = await (await fetch(`${issuer}/jwks`)).json();
  const key = createPublicKey({ key: keys.find((one) => one.kid === kid), format: 'jwk' });
  const signed = { key, dsaEncoding: 'ieee-p1363' };
  const input = Buffer.from(`${header}.${claims}`);
  if (!verify('sha256', input, signed, Buffer.from(signature, 'base64url'))) throw new Error('signature');
  const asked = decode(claims);
  const now = Date.now() / 1000;
  if (asked.iss !== issuer || asked.aud !== ISSUER || asked.exp <= now) throw new Error('not for us, or old');
  if (new URL(asked.return_to).origin !== issuer) throw new Error('return_to');
  return asked;
}

const encode = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
const decode = (text) => JSON.parse(Buffer.from(text, 'base64url'));
