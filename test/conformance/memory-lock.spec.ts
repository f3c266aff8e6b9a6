/** Applications whose locks are in memory: no Redis anywhere. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  DistributedLock,
  DistributedModule,
  LockService,
} from '../../libs/distributed/src/index.js';
import { MemoryLockStore } from '../../libs/distributed/src/testing/index.js';

@Injectable()
class Counter {
  inside = 0;
  overlaps = 0;

  @DistributedLock('counter')
  async count(): Promise<void> {
    if (++this.inside > 1) this.overlaps++;
    await new Promise((resolve) => setImmediate(resolve));
    this.inside--;
  }
}

const apps: TestingModule[] = [];

async function start(options: Parameters<typeof DistributedModule.forRoot>[0]) {
  const imports = [DistributedModule.forRoot(options)];
  const app = await Test.createTestingModule({ imports, providers: [Counter] }).compile();
  apps.push(await app.init());
  return app;
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

describe('lock: { store: new MemoryLockStore() }', () => {
  it('serialises decorated calls, without Redis', async () => {
    const app = await start({ lock: { store: new MemoryLockStore() } });
    const counter = app.get(Counter);
    await Promise.all(Array.from({ length: 20 }, () => counter.count()));
    expect(counter.overlaps).toBe(0);
  });

  it('refuses what it does not know, whatever the wait', async () => {
    const locks = (await start({ lock: { store: new MemoryLockStore() } })).get(LockService);
    const refusal = { code: 'E_LOCK_FEATURE', executed: 'no' };
    const reading = locks.execute('k', () => 1, { mode: 'shared', wait: '1h' });
    await expect(reading).rejects.toMatchObject(refusal);
    const permit = locks.semaphore('s', { limit: 2, wait: '1h' }).acquire();
    await expect(permit).rejects.toMatchObject(refusal);
  });

  it('is shared by its peers: waiters are woken, owners told', async () => {
    const store = new MemoryLockStore();
    const one = (await start({ lock: { store } })).get(LockService);
    const two = (await start({ lock: { store: store.peer() } })).get(LockService);
    const lock = await one.acquire('k');
    const next = two.acquire('k');
    expect(await two.tryAcquire('k')).toBeNull();
    await lock.release();
    const held = await next;
    expect(held.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await one.forceRelease('k')).toBe(true);
    await new Promise<void>((resolve) => {
      if (held.signal.aborted) resolve();
      else held.signal.addEventListener('abort', () => resolve());
    });
    expect(held.loss?.reason).toBe('revoked');
  });

  it('works with options from a factory', async () => {
    const store = new MemoryLockStore();
    const app = await Test.createTestingModule({
      imports: [
        DistributedModule.forRootAsync({
          capabilities: ['lock'],
          useFactory: () => ({ lock: { store } }),
        }),
      ],
    }).compile();
    apps.push(await app.init());
    const lock = await app.get(LockService).acquire('k');
    expect(await store.query(lock.key)).toMatchObject({ waiters: 0 });
    await lock.release();
  });
});

describe('the store option', () => {
  it('must be a LockStore', async () => {
    await expect(start({ lock: { store: {} as never } })).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringContaining('forRoot().lock.store: expected a LockStore'),
    });
  });

  it('does not excuse the cache from its Redis', async () => {
    const options = { lock: { store: new MemoryLockStore() }, cache: {} };
    await expect(start(options)).rejects.toMatchObject({ code: 'E_OPTIONS_INVALID' });
  });
});
