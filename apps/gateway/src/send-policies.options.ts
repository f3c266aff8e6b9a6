/** How the gateway's protected routes talk to the services. */
import type { PolicyOptions } from 'nestjs-distributed';

/**
 * Every answer within ten seconds: up to five attempts within nine. A repeated attempt is a new
 * message under the same business id, and the services do nothing twice under one id.
 */
const send: PolicyOptions = {
  // Longer than a service needs at its worst, so that only lost replies end an attempt.
  timeout: '4500ms',
  totalTimeout: '9s',
  idempotent: true,
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
