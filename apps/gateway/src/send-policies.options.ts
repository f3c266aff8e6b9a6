/** How the gateway's protected routes talk to the services. */
import type { ErrorClassifier, PolicyOptions } from 'nestjs-distributed';

/** Nobody knows whether the work was done; asking again under the same business id finds out. */
export const doubtful: ReadonlySet<string> = new Set([
  'E_LOCK_LOST',
  'E_PARTITION_SHARD_UNAVAILABLE',
  'E_TRANSACTION_OUTCOME_UNKNOWN',
]);

const doubts: ErrorClassifier = (error) => {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !doubtful.has(code)) return undefined;
  return { kind: 'transient', executed: 'unknown', source: 'shop', code };
};

/**
 * Every answer within ten seconds: up to five attempts within nine. A repeated attempt is a new
 * message under the same business id, and the services do nothing twice under one id.
 */
const send: PolicyOptions = {
  // Longer than a service needs at its worst, so that only lost replies end an attempt.
  timeout: '4500ms',
  totalTimeout: '9s',
  idempotent: true,
  classify: doubts,
  retry: {
    maxAttempts: 5,
    backoff: { initial: '100ms', max: '1s', jitter: 'equal' },
    // A broken connection fails everything in flight at once: all of it may be repeated.
    budget: { ratio: 1 },
  },
  // One service answers for several shards and products: what is down must not stop the rest.
  circuitBreaker: false,
};

/** One policy per service, so that none spends the retry budget of another. */
export const sendPolicies = { inventory: send, orders: send, payments: send };
