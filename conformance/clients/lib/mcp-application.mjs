// An application around the MCP TypeScript SDK's client. It is told the server's URL and nothing else; what it keeps, and the
// person's browser, are here.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { PERSON } from './world.mjs';

export class Application {
  /**
   * `clientMetadataUrl` for a client with a document, `known` for a registered one; without them the SDK registers (RFC 7591). `keeper` is
   * that of another application: the same client, with the same tokens.
   */
  constructor(server, { metadata, clientMetadataUrl, known, keeper, deny = false, name = 'scenes', capabilities = {} }) {
    this.server = server;
    this.told = [{ name, version: '1.0.0' }, { capabilities }];
    this.deny = deny;
    this.visits = [];
    this.keeper = keeper ?? new Keeper(metadata, clientMetadataUrl, (url) => this.visits.push(url));
    if (known !== undefined) this.keeper.saveClientInformation(known);
  }

  /** Connects, sends the person to the browser where that is wanted, and connects again. */
  async connect() {
    const { client, transport } = this.#fresh();
    try {
      await client.connect(transport);
      return client;
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    await this.authorize(transport);
    const again = this.#fresh();
    await again.client.connect(again.transport);
    return again.client;
  }

  /** The person's part of the request that the SDK made last. */
  async authorize(transport = this.#fresh().transport) {
    const browser = new Browser();
    const url = this.visits.at(-1);
    const landed = await (this.deny ? browser.deny(url, PERSON) : browser.approve(url, PERSON));
    this.landed = landed;
    if (landed.searchParams.get('state') !== this.keeper.stated) throw new Error('another `state` came back');
    const refusal = landed.searchParams.get('error');
    if (refusal !== null) throw Object.assign(new Error(landed.searchParams.get('error_description')), { error: refusal });
    await transport.finishAuth(landed.searchParams.get('code'));
  }

  /** A code that came to the redirect URI, wherever it is from. */
  finish(code) {
    return this.#fresh().transport.finishAuth(code);
  }

  #fresh() {
    const transport = new StreamableHTTPClientTransport(new URL(this.server), { authProvider: this.keeper });
    return { client: new Client(...this.told), transport };
  }
}

/** The SDK's `OAuthClientProvider`, in memory. */
class Keeper {
  #redirected;
  #held = {};
  stated;

  constructor(metadata, clientMetadataUrl, redirected) {
    this.clientMetadata = metadata;
    this.redirectUrl = metadata.redirect_uris[0];
    this.#redirected = redirected;
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl;
  }

  state() {
    this.stated = crypto.randomUUID();
    return this.stated;
  }

  clientInformation = () => this.#held.client;
  saveClientInformation = (client) => void (this.#held.client = client);
  tokens = () => this.#held.tokens;
  saveTokens = (tokens) => void (this.#held.tokens = tokens);
  codeVerifier = () => this.#held.verifier;
  saveCodeVerifier = (verifier) => void (this.#held.verifier = verifier);
  redirectToAuthorization = (url) => this.#redirected(url);

  /** As an application that asks for more forgets what it has: with a refresh token at hand the SDK would not ask anew. */
  forgetRefreshToken() {
    const { refresh_token: _gone, ...kept } = this.#held.tokens;
    this.#held.tokens = kept;
  }
}

/** What the tool `whoami` says: the claims of the token that the server saw. */
export async function whoami(client) {
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  return JSON.parse(content[0].text);
}
