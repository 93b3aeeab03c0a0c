// What an MCP client does after it is known, however it became so.

import assert from 'node:assert/strict';

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';

import { whoami } from './mcp-application.mjs';
import { SCOPES } from './mcp-server.mjs';

export async function playStory(scene, { server, make, clientId, guest = true }) {
  let application;
  let client;

  await scene('given the URL alone, it finds us, the person agrees, and the tool answers', async () => {
    application = make();
    client = await application.connect();
    const claims = await whoami(client);
    assert.equal(claims.aud, server.url);
    assert.equal(claims.client_id, clientId(application));
    assert.equal(claims.act?.sub, guest ? claims.client_id : undefined, 'who acts for whom');
    assert.equal(claims.scope, SCOPES.read);
    assert.equal(application.visits.length, 1);
  });

  await scene('the answer at the redirect names its issuer (RFC 9207)', async () => {
    assert.equal(application.landed.searchParams.get('iss'), new URL(application.visits[0]).origin);
  });

  await scene('an expired token is refreshed without the person', async () => {
    const before = application.keeper.tokens();
    server.refuse(before.access_token);
    const claims = await whoami(client);
    assert.equal(claims.scope, SCOPES.read);
    assert.notEqual(application.keeper.tokens().access_token, before.access_token);
    assert.equal(application.visits.length, 1);
  });

  await scene('refreshed twice in a row, it goes on', async () => {
    for (let turn = 0; turn < 2; turn += 1) {
      server.refuse(application.keeper.tokens().access_token);
      await whoami(client);
    }
    assert.equal(application.visits.length, 1);
  });

  await scene('step-up: insufficient_scope sends the person back, and both tools answer, refreshed too', async () => {
    const curious = make();
    const connected = await curious.connect();
    curious.keeper.forgetRefreshToken();
    await assert.rejects(connected.callTool({ name: 'add', arguments: {} }), UnauthorizedError);
    assert.equal(curious.visits.length, 2);
    const further = Object.values(SCOPES);
    assert.deepEqual(curious.visits[1].searchParams.get('scope').split(' '), further);
    await curious.authorize();
    const granted = async () => {
      const { content } = await connected.callTool({ name: 'add', arguments: {} });
      return new Set(content[0].text.split(' '));
    };
    assert.deepEqual(await granted(), new Set(further));
    assert.equal((await whoami(connected)).aud, server.url);
    server.refuse(curious.keeper.tokens().access_token);
    assert.deepEqual(await granted(), new Set(further));
    assert.equal(curious.visits.length, 2);
  });

  await scene('the person says no: access_denied', async () => {
    await assert.rejects(make({ deny: true }).connect(), { error: 'access_denied' });
  });

  if (guest) await scene('two of them at once are two tasks', async () => {
    const [one, other] = await Promise.all([make().connect(), make().connect()]);
    const [first, second] = await Promise.all([whoami(one), whoami(other)]);
    assert.notEqual(first.mission.id, second.mission.id);
  });
}
