/** The scripts of L2 and what their replies mean. */
import { defineScript, type RedisScript } from '../redis/index.js';
import type { BoundTag, RefreshAnswer } from './cache.store.js';
import type { MarkVersion } from './entry-format.js';

const isOne = (reply: unknown): boolean => reply === 1;

/** Reads `<hard>:<soft>`. */
function parseVersion(reply: unknown): MarkVersion {
  const [hard, soft] = String(reply).split(':');
  return { hard: Number(hard), soft: Number(soft) };
}

function script<R>(name: string, keys: number, parse: (reply: unknown) => R): RedisScript<R> {
  return defineScript({ url: new URL(`./scripts/${name}.lua`, import.meta.url), keys, parse });
}

/** A script that looks into a record. */
function entryScript<R>(name: string, keys: number, parse: (reply: unknown) => R): RedisScript<R> {
  const url = new URL(`./scripts/${name}.lua`, import.meta.url);
  const prelude = new URL('./scripts/entry.lua', import.meta.url);
  return defineScript({ url, prelude, keys, parse });
}

/** By what they do; each is described in its own file. */
export const cacheScripts = {
  replace: script('replace', 1, isOne),
  refresh: entryScript('refresh', 1, (reply) => reply as RefreshAnswer),
  extend: entryScript('extend', 1, isOne),
  abandon: entryScript('abandon', 1, isOne),
  fill: entryScript('fill', 1, isOne),
  put: script('put', 2, isOne),
  remove: script('remove', 2, Number),
  expire: entryScript('expire', 2, Number),
  generation: script('generation', 1, parseVersion),
  clear: script('clear', 1, parseVersion),
  clock: script('clock', 1, Number),
  bindTag: script('bind-tag', 1, (reply): BoundTag => {
    const [version, keptMs] = reply as [string, number];
    return { version: parseVersion(version), keptMs };
  }),
  invalidateTag: script('invalidate-tag', 1, parseVersion),
  parseVersion,
} as const;
