/** What the compiler must say of programs that use the kit: `npm run types`. */

import { Agent } from 'writ-kit/agent';
import { Gate } from 'writ-kit/mcp';
import { type Caller, Decisions, type Permit, Verifier } from 'writ-kit/resource';

export async function resource(caller: Caller): Promise<string> {
  const decisions = new Decisions({ issuer: 'a', resource: 'b', clientId: 'c', clientSecret: 'd' });
  const promised = decisions.permit(caller, { name: 'delete_note', arguments: { title: 'a' } });
  // @ts-expect-error a permit that was not awaited cannot be used
  promised.run(() => 'done');
  const permit: Permit = await promised;
  // @ts-expect-error the arguments are those that were judged
  permit.arguments = {};
  // @ts-expect-error an action is a name or a tool
  await decisions.permit(caller, { arguments: {} });
  return permit.run((args) => String(args.title));
}

export function verifier(): Verifier {
  // @ts-expect-error an answer counts at most one second
  new Verifier({ issuer: 'a', resource: 'b', live: { clientId: 'c', clientSecret: 'd', cache: 2 } });
  return new Verifier({ issuer: 'a', resource: 'b' });
}

export function doors(): unknown[] {
  return [Agent.discover, Gate];
}
