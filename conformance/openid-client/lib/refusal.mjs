// What a refusal looks like to openid-client.

import assert from 'node:assert/strict';

import { ResponseBodyError } from 'openid-client';

/** `request` must end in an OAuth error body with this code; answers the body. */
export async function refused(request, code) {
  const error = await request.then(
    () => assert.fail(`accepted, where \`${code}\` was due`),
    (reason) => reason,
  );
  if (!(error instanceof ResponseBodyError)) throw error;
  assert.equal(error.error, code, error.error_description);
  assert.equal(error.status, 400);
  return error.cause;
}
