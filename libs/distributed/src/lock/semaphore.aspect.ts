/** Runs a decorated method with a permit of its semaphore. */
import { Injectable } from '@nestjs/common';
import { type AspectCall, type AspectHandler, methodLabel } from '../aspects/index.js';
import { LockService } from './lock.service.js';
import type { SemaphoreDecoratorOptions } from './semaphore.options.js';

/** Gives `@Semaphore` its behaviour. */
@Injectable()
export class SemaphoreAspect implements AspectHandler<SemaphoreDecoratorOptions> {
  readonly kind = 'semaphore';

  constructor(private readonly locks: LockService) {}

  async run(
    { key, ...options }: SemaphoreDecoratorOptions,
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    const input = typeof key === 'function' ? key(...call.args) : key;
    const name = options.name ?? methodLabel(call);
    return await this.locks.semaphore(input, { ...options, name }).execute(next);
  }
}
