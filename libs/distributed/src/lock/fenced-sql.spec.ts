/** The fence in PostgreSQL, judged from the rows it protects. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FenceDatabase, read, T0, write } from '../../../../test/support/fence.fixture.js';
import { GrantedLock } from '../../../../test/support/granted-lock.fixture.js';
import { fencedSql } from './fenced-sql.js';
import { LOCK_CHANNELS } from './lock.events.js';
import { MultiLock } from './multi-lock.js';

let db: FenceDatabase;

beforeAll(async () => {
  db = await FenceDatabase.create();
});

afterAll(() => db.close());

beforeEach(() => db.reset());

describe('the hole of a fence on writes only', () => {
  it('mutation: the guard moved to the write loses an update', async () => {
    const [a, b] = [await db.begin(), await db.begin()];
    const readByA = await read(a); // A holds the lock, and freezes here.
    const readByB = await read(b); // Its lease is over: B holds it.
    await db.fence(T0).enter(a);
    await write(a, readByA + 1);
    await a.query('COMMIT');
    await db.fence(T0 + 1).enter(b);
    await write(b, readByB + 1);
    await b.query('COMMIT');
    expect(await db.stored()).toEqual({ n: 1, token: T0 + 1 }); // two acknowledged, one stored
  });

  it('entered first, the late one is refused and nothing is lost', async () => {
    const b = await db.begin();
    await db.fence(T0 + 1).enter(b);
    await write(b, (await read(b)) + 1);
    await b.query('COMMIT');
    const a = await db.begin();
    await expect(db.fence(T0).enter(a)).rejects.toMatchObject({
      code: 'E_LOCK_STALE',
      executed: 'no',
      retryable: true,
      details: { fencingToken: T0, seen: T0 + 1 },
    });
    await a.query('ROLLBACK');
    expect(await db.stored()).toEqual({ n: 1, token: T0 + 1 });
  });

  it('entered first, a newer holder reads only after the older one has committed', async () => {
    const [a, b] = [await db.begin(), await db.begin()];
    await db.fence(T0).enter(a);
    const readByA = await read(a); // A freezes inside its transaction.
    const entered = db.fence(T0 + 1).enter(b);
    await db.waiting(1);
    await write(a, readByA + 1);
    await a.query('COMMIT');
    await entered;
    await write(b, (await read(b)) + 1);
    await b.query('COMMIT');
    expect(await db.stored()).toEqual({ n: 2, token: T0 + 1 });
  });
});

describe('enter', () => {
  it('makes the row, then raises it; the same holder enters as often as it likes', async () => {
    for (const token of [T0, T0, T0 + 5]) {
      const client = await db.begin();
      await db.fence(token).enter(client);
      await db.fence(token).enter(client);
      await client.query('COMMIT');
      expect((await db.stored()).token).toBe(token);
    }
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
    'refuses a late holder under %s',
    async (isolation) => {
      const b = await db.begin(isolation);
      await db.fence(T0 + 1).enter(b);
      await b.query('COMMIT');
      const a = await db.begin(isolation);
      await expect(db.fence(T0).enter(a)).rejects.toMatchObject({ code: 'E_LOCK_STALE' });
    },
  );

  it('two first entries at once: the smaller one waits for the row of the larger, and is late', async () => {
    const [a, b] = [await db.begin(), await db.begin()];
    await db.fence(T0 + 1).enter(b);
    const late = db.fence(T0).enter(a);
    late.catch(() => {});
    await db.waiting(1);
    await b.query('COMMIT');
    await expect(late).rejects.toMatchObject({ code: 'E_LOCK_STALE' });
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])(
    'under %s, having waited is a serialization failure, not a verdict about the lock',
    async (isolation) => {
      for (const token of [T0, T0 + 2]) {
        await db.pool.query('TRUNCATE lock_fences');
        const [other, waiter] = [await db.begin(isolation), await db.begin(isolation)];
        await db.fence(T0 + 1).enter(other);
        const failed = db.fence(token).enter(waiter);
        failed.catch(() => {});
        await db.waiting(1);
        await other.query('COMMIT');
        await expect(failed).rejects.toMatchObject({ code: '40001' });
        // Repeated, it is told the truth.
        await waiter.query('ROLLBACK');
        await waiter.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        const again = await db
          .fence(token)
          .enter(waiter)
          .catch((error: unknown) => error);
        if (token > T0) expect(again).toBeUndefined();
        else expect(again).toMatchObject({ code: 'E_LOCK_STALE' });
        await waiter.query('ROLLBACK');
      }
    },
  );

  it('goes back with the transaction: who comes then sees nothing of it either', async () => {
    const b = await db.begin();
    await db.fence(T0 + 1).enter(b);
    await write(b, 100);
    await b.query('ROLLBACK');
    const a = await db.begin();
    await db.fence(T0).enter(a); // As if B had never been there, which is so.
    await write(a, (await read(a)) + 1);
    await a.query('COMMIT');
    const again = await db.begin();
    await db.fence(T0 + 1).enter(again);
    expect(await read(again)).toBe(1);
    await write(again, 2);
    await again.query('COMMIT');
    expect(await db.stored()).toEqual({ n: 2, token: T0 + 1 });
  });

  it('locks with other keys do not meet', async () => {
    const [a, b] = [await db.begin(), await db.begin()];
    await db.fence(T0 + 1, 'x').enter(a);
    await db.fence(T0, 'y').enter(b);
    await Promise.all([a.query('COMMIT'), b.query('COMMIT')]);
    const { rows } = await db.pool.query('SELECT key FROM lock_fences ORDER BY key');
    expect(rows).toEqual([{ key: 'x' }, { key: 'y' }]);
  });

  it('holders in any order, each reading first: every acknowledged update is stored', async () => {
    const order = Array.from({ length: 60 }, (_, n) => T0 + ((n * 37) % 60));
    let acknowledged = 0;
    let refused = 0;
    const worker = async (): Promise<void> => {
      for (let token = order.shift(); token !== undefined; token = order.shift()) {
        const client = await db.pool.connect();
        await client.query('BEGIN');
        try {
          await db.fence(token).enter(client);
          await write(client, (await read(client)) + 1);
          await client.query('COMMIT');
          acknowledged++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_LOCK_STALE' });
          await client.query('ROLLBACK');
          refused++;
        }
        client.release();
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect((await db.stored()).n).toBe(acknowledged);
    expect(acknowledged).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  });

  it('takes the fences of all keys of a lock, and stops at the first that refuses', async () => {
    const pair = new MultiLock([new GrantedLock('x', T0), new GrantedLock('y', T0 + 5)]);
    const a = await db.begin();
    await fencedSql(pair).enter(a);
    await a.query('COMMIT');
    const b = await db.begin();
    const later = new MultiLock([new GrantedLock('x', T0 + 1), new GrantedLock('y', T0 + 4)]);
    await expect(fencedSql(later).enter(b)).rejects.toMatchObject({
      code: 'E_LOCK_STALE',
      details: { fencingToken: T0 + 4, seen: T0 + 5 },
    });
    await b.query('ROLLBACK');
    const unfenced = new MultiLock([new GrantedLock('x', T0), new GrantedLock('y', 0)]);
    expect(() => fencedSql(unfenced)).toThrow(expect.objectContaining({ code: 'E_LOCK_UNFENCED' }));
  });

  it('tells the outside about a refusal', async () => {
    const seen: unknown[] = [];
    const listener = (message: unknown): void => void seen.push(message);
    subscribe(LOCK_CHANNELS.stale, listener);
    const b = await db.begin();
    await db.fence(T0 + 1).enter(b);
    await db
      .fence(T0)
      .enter(b)
      .catch(() => {});
    unsubscribe(LOCK_CHANNELS.stale, listener);
    expect(seen).toEqual([{ name: 'unnamed', key: db.key, fencingToken: T0, resource: 'sql' }]);
  });
});
