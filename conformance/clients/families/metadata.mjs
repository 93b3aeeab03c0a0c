// Everything that the metadata names is tried: each endpoint, method, algorithm, scope and flag. A member that stands in no table
// here is a promise that nobody tried, and fails.

import assert from 'node:assert/strict';

import { discovered } from '../lib/flow.mjs';
import { asking } from '../lib/promises/asking.mjs';
import { authentication } from '../lib/promises/authentication.mjs';
import { Cast } from '../lib/promises/cast.mjs';
import { endpoints } from '../lib/promises/endpoints.mjs';
import { grants } from '../lib/promises/grants.mjs';
import { requests } from '../lib/promises/requests.mjs';

const TABLES = [endpoints, grants, authentication, requests, asking];

export default async function play(scene, setting) {
  const cast = await Cast.begin(setting);
  const as = await discovered(cast.world.issuer);
  const tried = Object.assign({}, ...TABLES.map((table) => table(cast, as)));

  await scene('nothing is named that is not tried, and nothing tried that is not named', async () => {
    assert.deepEqual(Object.keys(as).sort(), Object.keys(tried).sort());
  });

  await scene('OpenID Connect Discovery says the same', async () => {
    assert.deepEqual(await discovered(cast.world.issuer, 'oidc'), as);
  });

  for (const [member, trial] of Object.entries(tried)) {
    if (!Array.isArray(as[member])) await scene(member, () => trial(as[member]));
    else for (const value of as[member]) await scene(`${member}: ${value}`, () => trial(value, as[member]));
  }
}
