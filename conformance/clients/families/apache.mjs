// Apache in front of an application: mod_auth_openidc logs people in, mod_oauth2 takes access tokens for an API.

import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { API, CALLBACK, createWorld, PERSON } from '../lib/world.mjs';
import { Browser } from '../../openid-client/lib/browser.mjs';
import { freePort } from '../../openid-client/lib/process.mjs';
import { started } from '../lib/child.mjs';
import { misuse, Visitor } from '../lib/visitor.mjs';

const MODULES = '/usr/lib/apache2/modules';
const APACHE = '/usr/sbin/apache2';

export default async function play(scene, setting) {
  const world = await createWorld(setting);
  await world.api();

  for (const method of ['client_secret_basic', 'client_secret_post']) {
    await scene(`mod_auth_openidc: a person logs in, ${method}`, async () => {
      const { home } = await guarded(world, setting.open, { method });
      const answer = await new Visitor().enter(home);
      assert.equal(answer.status, 200);
      assert.match(answer.headers['x-subject'], /^usr_/);
      assert.equal(answer.headers['x-issuer'], world.issuer);
    });
  }

  const { home, says, refused } = await guarded(world, setting.open, {});
  await misuse((title, act) => scene(`mod_auth_openidc, ${title}`, act), home, {
    // An error with `iss` (RFC 9207) it takes for a login that somebody else begins, and refuses that.
    denied: ({ headers, text }) => {
      assert.equal(headers['x-subject'], undefined);
      assert.match(text, /Invalid Request/);
    },
    state: refused('unable to restore state'),
    again: () => says('browser back detected'),
    nonce: refused('the nonce value (tampered) in the id_token did not match'),
  });

  await scene('mod_auth_openidc, misuse: a wrong secret is `invalid_client`', async () => {
    const wrong = await guarded(world, setting.open, { client_secret: 'wrong' });
    await wrong.refused('"invalid_client"')(await new Visitor().enter(wrong.home));
  });

  await scene('mod_oauth2: our access token is taken; another audience, and none, are not', async () => {
    const port = await freePort();
    await serve(setting.open, port, resourceServer(world.issuer));
    const { access_token } = await tokenFor(world);
    const ask = (path, token) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
    assert.equal((await ask('/api/', access_token)).status, 200);
    assert.equal((await ask('/other/', access_token)).status, 401);
    assert.equal((await ask('/api/')).status, 401);
    assert.equal((await ask('/api/', `${access_token.slice(0, -8)}AAAAAAAA`)).status, 401);
  });
}

/** A page that mod_auth_openidc guards, for a fresh client: its URL, and what a refusal looks like there. */
async function guarded(world, open, { method = 'client_secret_basic', ...wrong }) {
  const port = await freePort();
  const home = `http://127.0.0.1:${port}/app/`;
  const redirect = `${home}redirect`;
  const file = { redirect_uris: [redirect], token_endpoint_auth_method: method, scope: 'openid profile email', bearer: true };
  const client = { ...(await world.client(file)), ...wrong };
  const apache = await serve(open, port, openidConnect(world.issuer, client, redirect, method));
  const refused = (words) => async ({ headers }) => {
    assert.equal(headers['x-subject'], undefined);
    await apache.says(words);
  };
  return { home, says: apache.says, refused };
}

function openidConnect(issuer, { client_id, client_secret }, redirect, method) {
  return `LoadModule auth_openidc_module ${MODULES}/mod_auth_openidc.so
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${client_id}
OIDCClientSecret ${client_secret}
OIDCProviderTokenEndpointAuth ${method}
OIDCRedirectURI ${redirect}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCCryptoPassphrase scenes
<Location /app>
  AuthType openid-connect
  Require valid-user
  Header set x-subject %{OIDC_CLAIM_sub}e
  Header set x-issuer %{OIDC_CLAIM_iss}e
</Location>`;
}

function resourceServer(issuer) {
  const place = (path, audience) => `<Location ${path}>
  AuthType oauth2
  OAuth2TokenVerify jwks_uri ${issuer}/jwks verify.exp=required
  Require oauth2_claim aud:${audience}
</Location>`;
  return `LoadModule oauth2_module ${MODULES}/mod_oauth2.so
${place('/api', API)}
${place('/other', 'https://elsewhere.example')}`;
}

async function serve(open, port, more) {
  // Apache's children are somebody else, and TMPDIR may be its owner's alone.
  const directory = await mkdtemp('/tmp/writ-apache-');
  open.push({ close: () => rm(directory, { recursive: true, force: true }) });
  await chmod(directory, 0o755);
  for (const name of ['app', 'api', 'other']) {
    await mkdir(join(directory, 'pages', name), { recursive: true });
    await writeFile(join(directory, 'pages', name, 'index.html'), 'hello');
  }
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'mime'];
  const configuration = `ServerRoot ${directory}
PidFile ${directory}/pid
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
ErrorLog "|/bin/cat"
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types
DirectoryIndex index.html
DocumentRoot ${directory}/pages
${more}
`;
  const path = join(directory, 'apache.conf');
  await writeFile(path, configuration);
  return started(open, APACHE, ['-f', path, '-DFOREGROUND'], { url: `http://127.0.0.1:${port}/none` });
}

/** Without any library: the code grant of a public client. */
async function tokenFor(world) {
  const { client_id } = await world.client({ token_endpoint_auth_method: 'none', scope: 'read', bearer: true });
  const verifier = crypto.randomUUID() + crypto.randomUUID();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const url = new URL(`${world.issuer}/authorize`);
  url.search = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'read',
    resource: API,
    code_challenge: Buffer.from(digest).toString('base64url'),
    code_challenge_method: 'S256',
  });
  const landed = await new Browser().approve(url, PERSON);
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: landed.searchParams.get('code'),
    redirect_uri: CALLBACK,
    code_verifier: verifier,
    client_id,
  });
  return (await fetch(`${world.issuer}/token`, { method: 'POST', body })).json();
}
