/** The competitors by the names their figures carry. */
import type { CacheContender, OpenOptions } from '../contender.js';
import { openAsyncCacheDedupe } from './async-cache-dedupe.js';
import { openBentoCache } from './bentocache.js';
import { openCacheManager } from './cache-manager.js';
import { openCacheable } from './cacheable.js';
import { openOurs } from './ours.js';

type Open = (options: OpenOptions) => Promise<CacheContender>;

const ALL: Readonly<Record<string, Open>> = {
  ours: openOurs,
  bentocache: openBentoCache,
  'cache-manager': openCacheManager,
  cacheable: openCacheable,
  'async-cache-dedupe': openAsyncCacheDedupe,
};

/** Everybody. */
export const NAMES: readonly string[] = Object.keys(ALL);

/** Those with memory on several nodes and messages between them. */
export const SYNCHRONIZED: readonly string[] = ['ours', 'bentocache'];

/** Those that can serve a value past its lifetime. */
export const SERVING_STALE: readonly string[] = ['ours', 'bentocache', 'async-cache-dedupe'];

/** @throws RangeError for an unknown name */
export async function openContender(name: string, options: OpenOptions): Promise<CacheContender> {
  const open = ALL[name];
  if (!open) throw new RangeError(`no competitor is called ${name}`);
  return open(options);
}
