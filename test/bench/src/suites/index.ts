/** The suites by name; each loads only its own peers. */
import type { Suite } from '../suite.js';

/** To add one: a folder beside these, and a line here. */
export const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  cache: async () => (await import('./cache/cache.suite.js')).cacheSuite,
  lock: async () => (await import('./lock/lock.suite.js')).lockSuite,
  redis: async () => (await import('./redis/redis.suite.js')).redisSuite,
};
