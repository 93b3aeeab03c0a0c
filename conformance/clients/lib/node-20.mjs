// `@modelcontextprotocol/conformance` imports `globSync` from `fs`, which node has since 22. What it runs here does not call it.

import { register } from 'node:module';

const FILESYSTEM = `export * from 'node:fs'; export { default } from 'node:fs'; export const globSync = () => [];`;

const HOOK = `export function resolve(specifier, context, next) {
  const asked = specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/');
  const url = ${JSON.stringify(`data:text/javascript,${encodeURIComponent(FILESYSTEM)}`)};
  return asked ? { url, shortCircuit: true } : next(specifier, context);
}`;

if (Number(process.versions.node.split('.', 1)[0]) < 22) register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
