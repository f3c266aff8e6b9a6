/** nestjs-distributed through its public door: LockService of a Nest application. */
import { NestFactory } from '@nestjs/core';
import { DistributedModule, type LockAcquireOptions, LockService } from 'nestjs-distributed';
import { CommandCounter, CountingRedis } from '../../../harness/counting-client.js';
import { LEASE_MS, type LockContender } from '../contender.js';

/** Who may overtake: `process` hands over locally first, `strict` is first come, first served. */
export type Fairness = 'process' | 'strict';

/** @throws InvalidOptionsError when this version does not know that fairness */
export async function openOurs(url: string, fairness?: Fairness): Promise<LockContender> {
  const commands = new CommandCounter();
  const module = DistributedModule.forRoot({
    redis: { client: () => new CountingRedis(url, commands, { lazyConnect: true }) },
    lock: {},
  });
  const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
  const locks = app.get(LockService);
  const options: LockAcquireOptions & { fairness?: Fairness } = {
    lease: LEASE_MS,
    wait: '10m',
    ...(fairness && { fairness }),
  };
  return {
    commands,
    async acquire(key) {
      const lock = await locks.acquire(key, options);
      return () => lock.release();
    },
    execute: (key, body) => locks.execute(key, body, options),
    async hold(key, lease, onLost) {
      const lock = await locks.acquire(key, { ...options, lease });
      lock.signal.addEventListener('abort', onLost, { once: true });
      return () => lock.release();
    },
    close: () => app.close(),
  };
}
