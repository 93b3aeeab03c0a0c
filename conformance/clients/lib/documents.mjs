// Where client metadata documents (draft-ietf-oauth-client-id-metadata-document) and key sets stand: https on loopback, with a
// certificate of an authority that only these scenes know.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HOST = 'localhost';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

export async function serveDocuments(open) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-documents-'));
  const documents = new Documents(directory);
  open.push(documents);
  await documents.begin();
  return documents;
}

class Documents {
  #directory;
  #server;
  #answers = new Map();
  asked = 0;

  constructor(directory) {
    this.#directory = directory;
    this.authority = join(directory, 'ca.pem');
  }

  async begin() {
    const at = (name) => join(this.#directory, name);
    await run('openssl', ['req', '-x509', ...KEY, '-subj', '/CN=Scenes', '-keyout', at('ca.key'), '-out', this.authority]);
    const issued = ['-CA', this.authority, '-CAkey', at('ca.key'), '-addext', `subjectAltName=DNS:${HOST}`];
    const leaf = [...issued, '-addext', 'basicConstraints=critical,CA:FALSE', '-subj', `/CN=${HOST}`];
    await run('openssl', ['req', '-x509', ...KEY, ...leaf, '-keyout', at('key.pem'), '-out', at('cert.pem')]);
    const [key, cert] = await Promise.all([readFile(at('key.pem')), readFile(at('cert.pem'))]);
    this.#server = createServer({ key, cert }, (request, response) => this.#answer(request, response));
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
    await rm(this.#directory, { recursive: true, force: true });
  }
}
