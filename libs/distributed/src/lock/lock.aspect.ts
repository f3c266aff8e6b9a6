/** Runs a decorated method under its lock. */
import { Injectable } from '@nestjs/common';
import { type AspectCall, type AspectHandler, methodLabel } from '../aspects/index.js';
import type { DistributedLockOptions } from './lock.options.js';
import { LockService } from './lock.service.js';

/** Gives `@DistributedLock` its behaviour. */
@Injectable()
export class LockAspect implements AspectHandler<DistributedLockOptions> {
  readonly kind = 'lock';

  constructor(private readonly locks: LockService) {}

  async run(
    { key, ...options }: DistributedLockOptions,
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    const input = typeof key === 'function' ? key(...call.args) : key;
    const name = options.name ?? methodLabel(call);
    return await this.locks.execute(input, next, { ...options, name });
  }
}
