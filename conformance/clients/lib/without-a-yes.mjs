// What a stranger would try to have a gated tool run without a person's yes: judged against servers with the kit, and against the gate.
//
// A scene has `client`, `call(client, tool, arguments)` (the call of `delete_note` with `NOTE` unless it is said), `connect(how)` for
// further clients, `elsewhere()` for one at another server, `sameId()` for a call under a JSON-RPC id that was used, `approve()` (asks
// for the call of `client`, and says yes), and `runs`, which counts what was really done.

import assert from 'node:assert/strict';

export const NOTE = { title: 'Shopping list' };

export const ATTEMPTS = {
  'a retry': ({ client, call }) => call(client),
  'another session': (scene) => callOfOther(scene, {}),
  'another server': async ({ elsewhere, call }) => call(await elsewhere()),
  'changed arguments': ({ client, call }, at) => call(client, 'delete_note', { title: `${NOTE.title} ${at}` }),
  'another tool with the same arguments': ({ client, call }) => call(client, 'empty_note'),
  'the same JSON-RPC id again': ({ sameId }) => sameId(),
  'a client that lies about its name': (scene) => callOfOther(scene, { name: 'Alice' }),
  'another client': (scene) => callOfOther(scene, { another: true }),
};

/** A server keeps a stream for each client, and a session until it is ended; of too many sessions the oldest goes. */
async function callOfOther({ connect, call }, how) {
  const client = await connect(how);
  try {
    return await call(client);
  } finally {
    await client.transport.terminateSession();
    await client.close();
  }
}

/** Whether the tool ran, as the client sees it: an error of the protocol is a no as well. */
export const passes = (calling) =>
  calling.then(
    ({ isError }) => isError !== true,
    () => false,
  );

/** Made so many times before the yes, and as often after it was used. */
export async function noneWithoutAYes(scene, name, times) {
  const attempt = async (at) => passes(ATTEMPTS[name](scene, at));
  for (let at = 0; at < times; at += 1) assert.equal(await attempt(at), false, `${name}, before a yes`);
  assert.equal(scene.runs.length, 0);
  await scene.approve();
  const isRetry = name === 'a retry';
  if (!isRetry) assert.equal(await passes(scene.call(scene.client)), true, 'what was approved');
  let passed = 0;
  for (let at = 0; at < times; at += 1) passed += Number(await attempt(at));
  // One yes is one call, whoever makes it first.
  assert.deepEqual([scene.runs.length, passed], [1, isRetry ? 1 : 0], `${name}, after the yes`);
}
