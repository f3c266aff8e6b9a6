/** `@Semaphore`: at most so many calls at a time, on all machines together. */
import { encodeKey, type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import { type SemaphoreDecoratorOptions, semaphoreSchemas } from './semaphore.options.js';

/**
 * Runs the method with a permit. The key names the semaphore, not the method: methods with the same
 * key share its permits, and give the same `limit`.
 *
 * @example
 * ```ts
 * @Semaphore({ key: 'acquirer-api', limit: 5 })
 * async charge(orderId: string) {}
 *
 * @Semaphore({ key: (tenant: string) => ['export', tenant], limit: 2, ifLocked: 'throw' })
 * async export(tenant: string) {}
 * ```
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`, InvalidKeyError `E_KEY_INVALID`, at decoration
 */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export function Semaphore<A extends any[] = any[]>(
  options: SemaphoreDecoratorOptions<A>,
): MethodAspect<A> {
  const { key, order, ...more } = options;
  return weave<SemaphoreDecoratorOptions<A>>({
    kind: 'semaphore',
    decorator: 'Semaphore',
    order,
    options: (path) => {
      validateOptions(semaphoreSchemas.semaphore, more, path);
      if (typeof key !== 'function') encodeKey(key, path);
      return { ...more, key };
    },
  });
}
