// Where the client waits: a loopback listener, whose callback may redirect on.

import { once } from 'node:events';
import { createServer } from 'node:http';

export async function createLanding() {
  const arrived = [];
  let next;
  const server = createServer((request, response) => {
    if (!request.url.startsWith('/cb')) return response.writeHead(204).end();
    arrived.push(new URL(request.url, origin()));
    if (next !== undefined) return response.writeHead(302, { location: next }).end();
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><html lang="en"><title>Back</title><link rel="icon" href="data:,"><p>Back at the app');
  });
  const origin = () => `http://127.0.0.1:${server.address().port}`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: origin(),
    redirectUri: `${origin()}/cb`,
    /** The last URL that a browser came back to. */
    last: () => arrived.at(-1),
    /** Where the callback redirects on to from now on; `undefined`: nowhere. */
    sendOn: (address) => (next = address),
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
