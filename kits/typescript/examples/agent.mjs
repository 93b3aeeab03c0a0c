import { createInterface } from 'node:readline/promises';
import { generateKeyPair, importPKCS8 } from 'jose';
import { Agent, ResourceRefused } from 'writ-kit/agent';

const { ISSUER: issuer, RESOURCE: resource, KEY: pkcs8, KID: kid } = process.env;

const agent = await Agent.discover(issuer, {
  clientId: 'agt_planner',
  assertion: { key: await importPKCS8(pkcs8, 'ES256'), kid }, // registered: says who the agent is
  dpop: await generateKeyPair('ES256', { extractable: true }), // holds its tokens
});

const redirectUri = 'https://planner.example/cb';
const pending = await agent.authorize({ redirectUri, resource, scope: 'accounts:read', purpose: 'Keep the books' });
console.log(`open ${pending.url}`);
const lines = createInterface({ input: process.stdin });
const grant = await pending.complete(await lines.question('the address it came back to: '), resource);

const read = await agent.call(grant, `${resource}/accounts`);
console.log(await read.text());

const write = (held) => agent.call(held, `${resource}/accounts`, { method: 'POST' });
const written = await write(grant).catch(async (error) => {
  if (!(error instanceof ResourceRefused) || error.scope === undefined) throw error;
  const question = await agent.confirm(grant, { resource, scope: error.scope, bindingMessage: 'Invoice 4711' });
  return write(await question.wait()); // the person decides on the phone
});
console.log(await written.text());
lines.close();
