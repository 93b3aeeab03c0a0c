// golang.org/x/oauth2 and go-oidc: a login, with what they do by themselves.

import assert from 'node:assert/strict';

import { API, createWorld } from '../clients/lib/world.mjs';
import { Kind, misuse } from './application.mjs';
import { built } from './toolchain.mjs';

export default async function play(scene, setting) {
  const program = await built(setting.open, 'go', '.');
  const world = await createWorld(setting);
  await world.api();
  const kind = new Kind(world, setting.open, [program]);

  for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
    await scene(`${method}: code with PKCE and refresh; x/oauth2 finds out by itself how to authenticate`, async () => {
      const file = { token_endpoint_auth_method: method, scope: 'read' };
      const said = await kind.visited(file, { scopes: ['read'], resource: API });
      assert.deepEqual(said, { token_type: 'Bearer', scope: 'read', refreshed: true });
    });
  }

  await scene('go-oidc: `openid profile email offline_access`, userinfo, refresh', async () => {
    const scopes = ['openid', 'profile', 'email', 'offline_access'];
    const said = await kind.visited({ scope: scopes.join(' ') }, { scopes });
    assert.match(said.sub, /^usr_/);
    assert.equal(said.userinfo, said.sub);
    assert.equal(said.refreshed, true);
  });

  await scene('go-oidc: an ID token with ES256', async () => {
    const said = await kind.visited({ scope: 'openid', id_token_signed_response_alg: 'ES256' }, { scopes: ['openid'] });
    assert.equal(said.userinfo, said.sub);
  });

  // x/oauth2 tries HTTP Basic, then the form, and tells of the second try.
  await misuse(scene, kind, { scopes: ['openid', 'offline_access'], wrongSecret: 400 });
}
