/** Options of Redlock: what is wrong is refused when the store is made, with the field and the fix. */
import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { DistributedModule } from '../distributed.module.js';
import { nodeTimeoutFor, parseRedlockOptions } from './redlock.options.js';
import { RedlockStore } from './redlock.store.js';

const nodes = [{ url: 'redis://one' }, { url: 'redis://two' }, { url: 'redis://three' }];

describe('new RedlockStore()', () => {
  it.each([
    [undefined, 'new RedlockStore()', 'Object'],
    [{ nodes: 'redis://one' }, '.nodes', 'expected an array'],
    [{ nodes: nodes.slice(0, 1) }, '.nodes', 'an odd number of masters, 3 at least, received 1'],
    [{ nodes: [...nodes, { url: 'redis://four' }] }, '.nodes', 'received 4'],
    [{ nodes: [...nodes.slice(0, 2), { url: 'three' }] }, '.nodes[2].url', 'redis://localhost'],
    [{ nodes: [...nodes.slice(0, 2), {}] }, '.nodes[2]', 'expected one of'],
    [{ nodes, nodeTimeout: 0 }, '.nodeTimeout', 'at least 1 ms'],
    [{ nodes, nodeTimeout: 'soon' }, '.nodeTimeout', 'expected a duration'],
    [{ nodes, restartDelay: -1 }, '.restartDelay', 'expected a duration'],
    [{ nodes, timeout: 5 }, '.timeout', 'unknown option'],
  ])('refuses %j', (options, path, problem) => {
    expect(() => new RedlockStore(options as never)).toThrow(
      expect.objectContaining({
        code: 'E_OPTIONS_INVALID',
        message: expect.stringMatching(new RegExp(`${escape(path)}.*${escape(problem)}`)),
      }),
    );
  });

  // Five databases of one server are one point of failure (mutation: no comparison of hosts).
  it('refuses one server twice, also as another database or as a client', () => {
    const client = new Redis({ host: 'one', port: 6379, lazyConnect: true });
    for (const twin of [{ url: 'redis://user:pw@one/1' }, { url: 'redis://one:6379' }, client])
      expect(() => new RedlockStore({ nodes: [...nodes.slice(0, 2), twin] })).toThrow(
        /nodes\[2\].*one server has one vote/,
      );
  });

  it('refuses what fails over: its replica would not know the votes', () => {
    const sentinels = [{ host: 'one', port: 26_379 }];
    const behindSentinel = new Redis({ sentinels, name: 'm', lazyConnect: true });
    for (const node of [{ sentinels, name: 'm' }, { cluster: ['one'] }, behindSentinel])
      expect(() => new RedlockStore({ nodes: [...nodes.slice(0, 2), node as never] })).toThrow(
        /nodes\[2\].*expected one master/,
      );
  });
});

describe('an application', () => {
  it('is refused at boot when its default is an order that Redlock has not', async () => {
    const lock = { store: new RedlockStore({ nodes }), defaults: { fairness: 'strict' } } as const;
    const app = Test.createTestingModule({ imports: [DistributedModule.forRoot({ lock })] });
    await expect(app.compile()).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringContaining('forRoot().lock.defaults.fairness'),
    });
  });
});

describe('the time one master has', () => {
  it('is 5 % of the lease between 10 and 200 ms, unless it is given', () => {
    const settings = parseRedlockOptions({ nodes });
    const timeouts = [100, 1_000, 10_000].map((leaseMs) => nodeTimeoutFor(settings, leaseMs));
    expect(timeouts).toEqual([10, 50, 200]);
    expect(nodeTimeoutFor(settings)).toBe(200);
    expect(nodeTimeoutFor(parseRedlockOptions({ nodes, nodeTimeout: '1s' }), 100)).toBe(1_000);
  });
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
