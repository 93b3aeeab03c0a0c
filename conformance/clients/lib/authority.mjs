// Certificates of an authority that only these scenes know, for servers on loopback: `localhost`, and nothing else.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const HOST = 'localhost';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/** Makes the authority's certificate (`ca.pem`), and one for `HOST` with its key, in `folder`. */
export async function certify(folder) {
  const at = (name) => join(folder, name);
  await run('openssl', ['req', '-x509', ...KEY, '-subj', '/CN=Scenes', '-keyout', at('ca.key'), '-out', at('ca.pem')]);
  const issued = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', `subjectAltName=DNS:${HOST}`];
  const leaf = [...issued, '-addext', 'basicConstraints=critical,CA:FALSE', '-subj', `/CN=${HOST}`];
  await run('openssl', ['req', '-x509', ...KEY, ...leaf, '-keyout', at('key.pem'), '-out', at('cert.pem')]);
}

/** What a server of `HOST` needs. */
export async function certificate(folder) {
  const [key, cert] = await Promise.all([readFile(join(folder, 'key.pem')), readFile(join(folder, 'cert.pem'))]);
  return { key, cert };
}

/** Ends TLS on a free port, as a proxy in front of `port` does; answers the origin. */
export async function endTls({ certificates, open }, port) {
  const sockets = new Set();
  const server = createServer(await certificate(certificates), (outside) => {
    const inside = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [outside, inside],
      [inside, outside],
    ]) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one) && other.end());
      one.pipe(other);
    }
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  open.push({ close: () => new Promise((done) => server.close(done) && sockets.forEach((socket) => socket.destroy())) });
  return `https://${HOST}:${server.address().port}`;
}
