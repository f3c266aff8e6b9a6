/** What observers are told, and that nothing is built for nobody. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  boom,
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation, TRANSACTION_CHANNELS } from './index.js';
import { transactionEvents } from './transaction.events.js';

describe('transaction events', () => {
  let f: TransactionFixture;
  const seen: unknown[] = [];
  const channels = Object.entries(TRANSACTION_CHANNELS);
  const listeners = channels.map(([kind]) => (event: unknown): void => {
    seen.push({ kind, ...(event as object) });
  });

  beforeAll(async () => {
    f = await createTransactionFixture();
    await f.transactions.run(() => f.pid());
    channels.forEach(([, name], index) => subscribe(name, listeners[index]!));
  });
  beforeEach(() => {
    seen.length = 0;
  });
  afterAll(async () => {
    channels.forEach(([, name], index) => unsubscribe(name, listeners[index]!));
    await f.close();
  });

  it('begin, savepoint and end, with labels and durations', async () => {
    await f.transactions.run(
      async () => {
        await f.transactions.run(() => f.save('a'), {
          propagation: Propagation.NESTED,
          label: 'inner',
        });
        f.transactions.onAfterCommit(boom);
      },
      { label: 'Orders.pay' },
    );
    const label = 'Orders.pay';
    expect(seen).toEqual([
      { kind: 'begin', label, dataSource: 'default', waitedMs: expect.any(Number) },
      { kind: 'savepoint', label: 'inner', dataSource: 'default', outcome: 'RELEASED' },
      {
        kind: 'end',
        label,
        dataSource: 'default',
        outcome: 'COMMITTED',
        durationMs: expect.any(Number),
      },
      { kind: 'hookFailed', label, phase: 'afterCommit', error: expect.any(Error) },
    ]);
  });

  it('the cause of a rollback', async () => {
    await f.transactions.run(async () => boom()).catch(() => undefined);
    expect(seen.at(-1)).toMatchObject({
      kind: 'end',
      outcome: 'ROLLED_BACK',
      error: expect.any(Error),
    });
  });

  it('builds no payload without subscribers', () => {
    channels.forEach(([, name], index) => unsubscribe(name, listeners[index]!));
    transactionEvents.emit('hookFailed', () => {
      throw new Error('built for nobody');
    });
    channels.forEach(([, name], index) => subscribe(name, listeners[index]!));
    expect(seen).toEqual([]);
  });
});
