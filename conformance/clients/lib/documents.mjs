// Where client metadata documents (draft-ietf-oauth-client-id-metadata-document) and key sets stand: https on loopback, with a
// certificate of an authority that only these scenes know.

import { once } from 'node:events';
import { createServer } from 'node:https';
import { join } from 'node:path';

import { certificate, HOST } from './authority.mjs';

export async function serveDocuments({ certificates, open }) {
  const documents = new Documents(join(certificates, 'ca.pem'));
  open.push(documents);
  await documents.begin(await certificate(certificates));
  return documents;
}

class Documents {
  #server;
  #answers = new Map();
  asked = 0;

  constructor(authority) {
    this.authority = authority;
  }

  async begin(tls) {
    this.#server = createServer(tls, (request, response) => this.#answer(request, response));
    this.#server.listen(0, HOST);
    await once(this.#server, 'listening');
    this.origin = `https://${HOST}:${this.#server.address().port}`;
  }

  /** Publishes a document at `path`, with its own URL as `client_id` unless it says another; answers that URL. */
  publish(path, document) {
    const url = `${this.origin}${path}`;
    this.raw(path, { body: JSON.stringify({ client_id: url, ...document }) });
    return url;
  }

  /** Publishes public keys; answers the URL. */
  keys(path, keys) {
    return this.raw(path, { body: JSON.stringify({ keys }) });
  }

  /** What tells the server to call here, for guests or (`OUTBOUND`) for registered clients, as environment. */
  settings(section = 'GUESTS') {
    return { [`WRIT__${section}__TRUSTED`]: this.origin, WRIT__OUTBOUND__CA_FILE: this.authority };
  }

  /** Anything else: `{ status, type, location, body }`. */
  raw(path, answer) {
    this.#answers.set(path, answer);
    return `${this.origin}${path}`;
  }

  #answer(request, response) {
    this.asked += 1;
    const { status = 200, type = 'application/json', location, body = '' } = this.#answers.get(request.url) ?? { status: 404 };
    response.writeHead(status, { 'content-type': type, ...(location && { location }) }).end(body);
  }

  async close() {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}
