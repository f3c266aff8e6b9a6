/** `@Timeout`: limits how long a call, and each of its attempts, may take. */
import type { MethodAspect } from '../aspects/index.js';
import type { Duration } from '../time/index.js';
import { weaveSections } from './sections.decorator.js';

/**
 * Ends an attempt that takes longer, and aborts `currentAttempt().signal`. JavaScript cannot stop
 * code that does not look at the signal: pass it on.
 * @param limit of one attempt; or both limits: `total` spans attempts, waits and back-off
 * @throws TimeoutExceededError `E_RESILIENCE_TIMEOUT`
 * @example
 * @Timeout('2s')
 * @Timeout({ attempt: '2s', total: '5s' })
 */
export function Timeout(
  limit: Duration | { readonly attempt?: Duration; readonly total?: Duration },
): MethodAspect {
  return weaveSections('Timeout', () => {
    if (typeof limit !== 'object') return { timeout: limit };
    const { attempt, total, ...unknown } = limit;
    return {
      ...unknown,
      ...(attempt === undefined ? {} : { timeout: attempt }),
      ...(total === undefined ? {} : { totalTimeout: total }),
    };
  });
}
