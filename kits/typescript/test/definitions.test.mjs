/** Each case of conformance/vectors/definitions.json. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hashOf } from '../dist/mcp/definition.js';
import { hash, table } from './vectors.mjs';

for (const { name, definition, canonical, hash: expected } of table('definitions').cases) {
  test(name, () => {
    assert.equal(hash(canonical), expected, 'the table is right');
    assert.equal(hashOf(JSON.parse(definition)), expected);
  });
}
