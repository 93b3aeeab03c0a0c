// Where the client waits: a loopback listener, so that `form-action` has to let a real redirect through.

import { once } from 'node:events';
import { createServer } from 'node:http';

export async function createLanding() {
  const arrived = [];
  const server = createServer((request, response) => {
    if (!request.url.startsWith('/cb')) return response.writeHead(204).end();
    arrived.push(new URL(request.url, origin()));
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
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
