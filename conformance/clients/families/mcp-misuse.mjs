// The MCP TypeScript SDK, made to misuse what it was given: each refusal with the code that its specification gives it.

import assert from 'node:assert/strict';

import {
  discoverAuthorizationServerMetadata,
  exchangeAuthorization,
  refreshAuthorization,
  registerClient,
  startAuthorization,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { decodeJwt } from 'jose';

import { Browser } from '../../openid-client/lib/browser.mjs';
import { serveDocuments } from '../lib/documents.mjs';
import { asked } from '../lib/flow.mjs';
import { Application, whoami } from '../lib/mcp-application.mjs';
import { SCOPES, serveNotes } from '../lib/mcp-server.mjs';
import { createWorldBehindTls, OPEN, PERSON } from '../lib/world.mjs';

const LOOPBACK = 'http://127.0.0.1:33418/callback';
const METADATA = {
  client_name: 'Scenes',
  redirect_uris: [LOOPBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};
const SECRET = { ...METADATA, token_endpoint_auth_method: 'client_secret_post' };

export default async function play(scene, setting) {
  const documents = await serveDocuments(setting);
  const world = await createWorldBehindTls(setting, { ...OPEN, ...documents.settings() });
  const server = await serveNotes(setting, world.issuer);
  const other = await serveNotes(setting, world.issuer);
  const foreign = await serveNotes(setting, world.issuer); // nobody registered it here
  const scopes = Object.values(SCOPES);
  for (const { url } of [server, other]) {
    await world.add('resource', { resource: url, name: 'Notes', scopes, guests: { mode: 'bearer', scopes } });
  }
  const sdk = new Sdk(world.issuer, await discoverAuthorizationServerMetadata(world.issuer), server.url);

  await audience(scene, { server, other, foreign });
  await codes(scene, sdk);
  await tokens(scene, sdk);
  await clients(scene, sdk, documents);
}

async function audience(scene, { server, other, foreign }) {
  const make = (url) => new Application(url, { metadata: METADATA });

  await scene('a token for one MCP server is refused by another one, and the SDK asks the person', async () => {
    const elsewhere = make(other.url);
    await elsewhere.connect();
    const { access_token } = elsewhere.keeper.tokens();
    assert.equal(decodeJwt(access_token).aud, other.url);
    const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
    const said = await fetch(server.url, { method: 'POST', headers, body: '{}' });
    assert.equal(said.status, 401);
    assert.match(said.headers.get('www-authenticate'), /error="invalid_token"/);
    const application = make(server.url);
    application.keeper.saveTokens({ access_token, token_type: 'bearer' });
    const client = await application.connect();
    assert.equal(application.visits.length, 1);
    assert.equal((await whoami(client)).aud, server.url);
  });

  await scene('an MCP server that nobody registered gets no token: invalid_target', async () => {
    await assert.rejects(make(foreign.url).connect(), /invalid_target/);
  });

  await scene('a client that names no resource, where two have its scope, is invalid_target', async () => {
    const application = make(server.url);
    application.keeper.validateResourceURL = async () => undefined;
    await assert.rejects(application.connect(), /invalid_target/);
  });
}

async function codes(scene, sdk) {
  for (const [title, changes] of [
    ['another verifier', () => ({ codeVerifier: 'x'.repeat(43) })],
    ['another redirect URI', () => ({ redirectUri: 'http://127.0.0.1:33418/other' })],
    ['another client', async () => ({ clientInformation: await sdk.registered() })],
  ]) {
    await scene(`a code with ${title} is invalid_grant, and its client still gets its token`, async () => {
      const answer = await sdk.approved(await sdk.registered());
      await refused(sdk.redeem({ ...answer, ...(await changes()) }), 'invalid_grant');
      assert.equal(typeof (await sdk.redeem(answer)).access_token, 'string');
    });
  }

  await scene('a code with another resource is invalid_target', async () => {
    const answer = await sdk.approved(await sdk.registered());
    await refused(sdk.redeem({ ...answer, resource: new URL('https://elsewhere.example/mcp') }), 'invalid_target');
  });

  await scene('a code is good once', async () => {
    const answer = await sdk.approved(await sdk.registered());
    await sdk.redeem(answer);
    await refused(sdk.redeem(answer), 'invalid_grant');
  });
}

async function tokens(scene, sdk) {
  await scene('a refresh token of another client is invalid_grant, and still good for its own', async () => {
    const client = await sdk.registered();
    const { refresh_token } = await sdk.redeem(await sdk.approved(client));
    await refused(sdk.refresh(await sdk.registered(), refresh_token), 'invalid_grant');
    assert.equal(typeof (await sdk.refresh(client, refresh_token)).access_token, 'string');
  });

  await scene('a stolen refresh token ends with all that came of it', async () => {
    const client = await sdk.registered();
    const { refresh_token } = await sdk.redeem(await sdk.approved(client));
    const second = await sdk.refresh(client, refresh_token);
    const third = await sdk.refresh(client, second.refresh_token);
    assert.equal(new Set([refresh_token, second.refresh_token, third.refresh_token]).size, 3, 'rotated each time');
    await refused(sdk.refresh(client, refresh_token), 'invalid_grant');
    await refused(sdk.refresh(client, third.refresh_token), 'invalid_grant');
  });

  await scene('a refresh for another resource is invalid_target', async () => {
    const client = await sdk.registered();
    const { refresh_token } = await sdk.redeem(await sdk.approved(client));
    await refused(sdk.refresh(client, refresh_token, new URL('https://elsewhere.example/mcp')), 'invalid_target');
  });
}

async function clients(scene, sdk, documents) {
  await scene('a client that has a secret is invalid_client without it, or with another', async () => {
    const client = await sdk.registered(SECRET);
    const answer = await sdk.approved(client);
    const { client_secret: _kept, ...bare } = client;
    for (const clientInformation of [bare, { ...client, client_secret: 'wrong' }]) {
      await refused(sdk.redeem({ ...answer, clientInformation }), 'invalid_client');
    }
    assert.equal(typeof (await sdk.redeem(answer)).access_token, 'string');
  });

  await scene('a redirect URI that was not registered, or that stands in no document, gets a page and no redirect', async () => {
    const document = documents.publish('/misuse.json', METADATA);
    for (const clientInformation of [await sdk.registered(), { client_id: document }]) {
      for (const redirectUrl of ['http://127.0.0.1:33418/other', 'https://evil.example/cb', 'http://evil.example/cb']) {
        const { authorizationUrl } = await sdk.start(clientInformation, redirectUrl);
        const said = await asked(authorizationUrl, redirectUrl);
        assert.deepEqual([said.status, said.landed], [400, undefined], redirectUrl);
      }
    }
  });

  await scene('a registration with a redirect URI that must not be is refused', async () => {
    for (const redirect of ['javascript:alert(1)', 'http://app.example/cb', 'https://app.example/cb#x', 'https://*.app.example/cb']) {
      const request = sdk.registered({ ...METADATA, redirect_uris: [redirect] });
      await assert.rejects(request, /redirect/i, redirect);
    }
  });

  await scene('a registration cannot ask for more than the code grant: it is told what it has', async () => {
    const grant_types = [...METADATA.grant_types, 'client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'];
    const client = await sdk.registered({ ...METADATA, grant_types });
    assert.deepEqual(client.grant_types, METADATA.grant_types);
  });

  await scene('a code of another client, carried into an application, is invalid_grant', async () => {
    const application = new Application(sdk.resource.href, { metadata: METADATA });
    const own = await application.connect();
    const strangers = await sdk.approved(await sdk.registered());
    const injected = new Application(sdk.resource.href, { metadata: METADATA, known: application.keeper.clientInformation() });
    injected.keeper.saveCodeVerifier(application.keeper.codeVerifier());
    await refused(injected.finish(strangers.authorizationCode), 'invalid_grant');
    assert.equal((await whoami(own)).aud, sdk.resource.href);
  });
}

/** Its functions, for this server. */
class Sdk {
  constructor(issuer, metadata, resource) {
    this.issuer = issuer;
    this.metadata = metadata;
    this.resource = new URL(resource);
  }

  registered(clientMetadata = METADATA) {
    return registerClient(this.issuer, { metadata: this.metadata, clientMetadata });
  }

  start(clientInformation, redirectUrl = LOOPBACK) {
    const { metadata, resource } = this;
    const about = { metadata, clientInformation, redirectUrl, scope: SCOPES.read, state: 's1', resource };
    return startAuthorization(this.issuer, about);
  }

  /** What the person's yes leads to: all that a redemption needs. */
  async approved(clientInformation) {
    const { authorizationUrl, codeVerifier } = await this.start(clientInformation);
    const landed = await new Browser().approve(authorizationUrl, PERSON);
    const authorizationCode = landed.searchParams.get('code');
    return { clientInformation, authorizationCode, codeVerifier, redirectUri: LOOPBACK, resource: this.resource };
  }

  redeem(answer) {
    return exchangeAuthorization(this.issuer, { metadata: this.metadata, ...answer });
  }

  refresh(clientInformation, refreshToken, resource = this.resource) {
    return refreshAuthorization(this.issuer, { metadata: this.metadata, clientInformation, refreshToken, resource });
  }
}

/** The SDK has a class for each code. */
async function refused(request, code) {
  await assert.rejects(request, (error) => {
    assert.equal(error.errorCode, code, error.stack);
    assert.ok(error.message.length > 10, 'a sentence for the developer');
    return true;
  });
}
