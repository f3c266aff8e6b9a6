/** The stores of Keyv that cache-manager and cacheable stand on. */
import { peer } from '../../../harness/peer.js';

/** What is used of them. */
export interface KeyvModules {
  readonly Keyv: new (options: { store: object; namespace?: string }) => object;
  readonly KeyvRedis: new (url: string) => object;
  readonly CacheableMemory: new (options: { lruSize: number; ttl: number }) => object;
}

/** Loads them. */
export async function keyvModules(): Promise<KeyvModules> {
  const { Keyv } = await peer<Pick<KeyvModules, 'Keyv'>>('keyv');
  const { default: KeyvRedis } = await peer<{ default: KeyvModules['KeyvRedis'] }>('@keyv/redis');
  const { CacheableMemory } = await peer<Pick<KeyvModules, 'CacheableMemory'>>('cacheable');
  return { Keyv, KeyvRedis, CacheableMemory };
}
