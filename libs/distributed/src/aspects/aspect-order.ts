/**
 * The precedence table, outer → inner. The written order of decorators never matters: this does.
 * Spring (`@Order` of advisors) and resilience4j (aspect order properties) do the same.
 */
export const ASPECT_ORDER = {
  /** `@LeaderOnly`: who does not lead does nothing at all, and caches nothing of it. */
  leader: 50,
  /** `@Partitioned`: chooses the shard context for everything below. */
  partition: 100,
  /** `@Cached`: a hit takes no lock, no connection and no retry budget. */
  cache: 200,
  /** `@Resilient` and its parts, one pipeline: each attempt gets a fresh lock and transaction. */
  resilience: 300,
  /** `@Semaphore`: who waits for a permit keeps no lock from others meanwhile. */
  semaphore: 350,
  /** `@DistributedLock`: outlives the commit, so the next holder sees committed data. */
  lock: 400,
  /** `@CacheEvict`, `@CachePut`: after the commit, before the unlock. */
  'cache-evict': 500,
  /** `@Transactional`: innermost, therefore as short as possible. */
  transaction: 600,
} as const;

/** What a woven method can be decorated with. */
export type AspectKind = keyof typeof ASPECT_ORDER;
