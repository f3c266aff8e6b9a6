/** `@DistributedLock`: one call at a time per key, on all machines together. */
import { encodeKeys, type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import type { LockKeyInput } from './lock-keys.js';
import { type DistributedLockOptions, type LockOptions, lockSchemas } from './lock.options.js';

/**
 * Fits every asynchronous method, generic ones too: a constant key needs no parameter, so the
 * method's type is left alone.
 */
export type KeylessMethodAspect = <
  // oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
  M extends (...args: any[]) => Promise<any>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

type DecoratorOptions = LockOptions & { order?: number };

/**
 * Runs the method under a lock. The key names the resource, not the method: methods with the same
 * key exclude each other.
 *
 * @example
 * ```ts
 * @DistributedLock('nightly-report', { ifLocked: 'skip' })
 * async report() {}
 *
 * @DistributedLock({ key: (orderId: string) => ['order', orderId], wait: '2s' })
 * async pay(orderId: string, dto: PayDto) {}
 *
 * @DistributedLock({ key: (from: string, to: string) => [['account', from], ['account', to]] })
 * async transfer(from: string, to: string) {}
 * ```
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`, InvalidKeyError `E_KEY_INVALID`, at decoration
 */
export function DistributedLock(key: LockKeyInput, options?: DecoratorOptions): KeylessMethodAspect;
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export function DistributedLock<A extends any[] = any[]>(
  options: DistributedLockOptions<A>,
): MethodAspect<A>;
export function DistributedLock(
  keyOrOptions: LockKeyInput | DistributedLockOptions,
  more: DecoratorOptions = {},
): MethodAspect {
  const { key, order, ...options } = isKey(keyOrOptions)
    ? { ...more, key: keyOrOptions }
    : keyOrOptions;
  return weave<DistributedLockOptions>({
    kind: 'lock',
    decorator: 'DistributedLock',
    order,
    options: (path) => {
      validateOptions(lockSchemas.decorator, options, path);
      if (typeof key !== 'function') encodeKeys(key, path);
      return { ...options, key };
    },
  });
}

function isKey(value: LockKeyInput | DistributedLockOptions): value is LockKeyInput {
  return typeof value !== 'object' || Array.isArray(value);
}
