// An MCP server made with the MCP TypeScript SDK: its metadata (RFC 9728) names the authorization server, and `jose` checks the
// token of every request. Its tool `add` wants a further scope.

import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';

import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { createRemoteJWKSet, jwtVerify } from 'jose';

import { freePort } from '../../openid-client/lib/process.mjs';
import { certificate, HOST } from './authority.mjs';

export const SCOPES = { read: 'notes:read', write: 'notes:write' };

/** At plain http, or at https where the issuer is. */
export async function serveNotes({ certificates, open }, issuer) {
  const isSecure = issuer.startsWith('https:');
  const [scheme, host] = isSecure ? ['https', HOST] : ['http', '127.0.0.1'];
  const resource = new URL(`${scheme}://${host}:${await freePort()}/mcp`);
  const app = createMcpExpressApp().set('env', 'test');
  const verifier = new Verifier(issuer, resource.href);
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
  const guard = (...requiredScopes) =>
    requireBearerAuth({ verifier, requiredScopes, resourceMetadataUrl, expectedResource: resource });
  const [reads, writes] = [guard(SCOPES.read), guard(SCOPES.read, SCOPES.write)];
  app.use(await metadata(issuer, resource));
  app.post('/mcp', (request, response, next) => (wanted(request.body) === 'add' ? writes : reads)(request, response, next), answer);
  app.all('/mcp', (_request, response) => response.status(405).end());
  const server = isSecure ? createHttps(await certificate(certificates), app) : createHttp(app);
  server.listen(Number(resource.port), host);
  await once(server, 'listening');
  const close = () => new Promise((done) => server.close(done) && server.closeAllConnections());
  open.push({ close });
  return { url: resource.href, refuse: (token) => verifier.refused.add(token), close };
}

async function metadata(issuer, resourceServerUrl) {
  const answer = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
  return mcpAuthMetadataRouter({ oauthMetadata: await answer.json(), resourceServerUrl, scopesSupported: [SCOPES.read] });
}

const wanted = (body) => (body?.method === 'tools/call' ? body.params.name : undefined);

/** A server for each request, without sessions, as the SDK's examples do. */
async function answer(request, response) {
  const server = notes();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on('close', () => void transport.close().then(() => server.close()));
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

function notes() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  const say = (text) => ({ content: [{ type: 'text', text }] });
  server.registerTool('whoami', { description: 'Who asks' }, ({ authInfo }) => say(JSON.stringify(authInfo.extra)));
  server.registerTool('add', { description: 'Adds a note' }, ({ authInfo }) => say(authInfo.scopes.join(' ')));
  return server;
}

class Verifier {
  refused = new Set();
  #issuer;
  #audience;
  #keys;

  constructor(issuer, audience) {
    this.#issuer = issuer;
    this.#audience = audience;
    this.#keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  }

  async verifyAccessToken(token) {
    if (this.refused.has(token)) throw new InvalidTokenError('expired, as these scenes have it');
    const expected = { issuer: this.#issuer, audience: this.#audience, typ: 'at+jwt' };
    const { payload } = await jwtVerify(token, this.#keys, expected).catch((error) => {
      throw new InvalidTokenError(error.message);
    });
    return {
      token,
      clientId: payload.client_id,
      scopes: (payload.scope ?? '').split(' '),
      expiresAt: payload.exp,
      resource: new URL(payload.aud),
      extra: payload,
    };
  }
}
