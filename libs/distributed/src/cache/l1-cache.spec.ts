/** The first level against a model: bounds, accounts, lifetimes, one truth for both ways to a key. */
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { argumentsKey } from './cache-key.js';
import { L1Cache, type L1PolicyName } from './l1-cache.js';
import { L1Entry } from './l1-entry.js';
import { isPrimitiveKey } from './primitive-key.js';
import { S3Fifo } from './s3-fifo.js';

class Entry extends L1Entry {
  constructor(
    readonly value: number,
    expiresAt = 1,
    bytes = 1,
  ) {
    super(expiresAt, bytes);
  }
}

/** Keys of both kinds, and keys that only look like each other. */
const ARGUMENTS: readonly unknown[] = [
  1, '1', 'n1', 's1', '', ' ', '%0020', '-0', -0, 0, 'NaN', Number.NaN, 1n, true, 'true', 't', false,
  null, [1], ['1'], [1, 2], { a: 1 }, '{a}', 'x'.repeat(300), 0.1, 1e21, '\ud800', 'é', '[n1]', 'z', '[[n1]]', '[n1,n2]', '(a=n1)', 'u',
]; // prettier-ignore

function ask(
  cache: L1Cache<Entry>,
  way: 'get' | 'recall' | 'peek',
  argument: unknown,
  now: number,
): Entry | undefined {
  if (way === 'recall') return isPrimitiveKey(argument) ? cache.recall(argument, now) : undefined;
  return cache[way](argumentsKey([argument], 'spec'), now);
}

type Step =
  | { readonly kind: 'set'; readonly key: number; readonly bytes: number; readonly life: number }
  | { readonly kind: 'get' | 'recall' | 'peek' | 'delete'; readonly key: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'wait'; readonly ms: number };

const key = fc.nat(ARGUMENTS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      key,
      bytes: fc.nat(60),
      life: fc.nat(50),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constantFrom('get', 'recall', 'peek', 'delete'), key }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(20) }) },
) as fc.Arbitrary<Step>;

describe.each<L1PolicyName>(['s3-fifo', 'lru'])('a first level with policy %s', (policy) => {
  it('keeps its bounds and its accounts, and returns only what was set last (catches an account that forgets overwrites)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(step, { maxLength: 120, size: 'max' }),
        (maxEntries, maxBytes, steps) => {
          const cache = new L1Cache<Entry>({ maxEntries, maxBytes }, policy);
          const model = new Map<string, Entry>();
          let now = 0;
          let serial = 0;
          for (const action of steps) {
            if (action.kind === 'wait') now += action.ms;
            else if (action.kind === 'clear') {
              cache.clear();
              model.clear();
            } else {
              const argument = ARGUMENTS[action.key];
              const name = argumentsKey([argument], 'spec');
              const expected = model.get(name);
              if (action.kind === 'set') {
                const entry = new Entry(++serial, now + action.life, action.bytes);
                cache.set(name, entry);
                model.set(name, entry);
              } else if (action.kind === 'delete') {
                if (cache.delete(name)) expect(expected).toBeDefined();
                model.delete(name);
              } else {
                const found = ask(cache, action.kind, argument, now);
                if (found) expect(found).toBe(expected);
                if (found && action.kind !== 'peek') expect(found.expiresAt).toBeGreaterThan(now);
              }
            }
            // What left for lack of room, or was found to be past its lifetime, is gone for good.
            for (const known of model.keys()) if (!cache.peek(known)) model.delete(known);
            const bytes = [...model.values()].reduce((sum, held) => sum + held.bytes, 0);
            expect([cache.size, cache.bytes]).toEqual([model.size, bytes]);
            expect(cache.size <= maxEntries && cache.bytes <= maxBytes).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps whatever fits: nothing leaves while there is room', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 100, maxBytes: 1_000 }, policy);
    for (let id = 0; id < 100; id++) cache.set(`n${id}`, new Entry(id, 1, 10));
    for (let id = 0; id < 100; id++) expect(cache.get(`n${id}`, 0)?.value).toBe(id);
    expect(cache.stats()).toMatchObject({ evictions: 0, entries: 100, bytes: 1_000 });
  });

  it('an entry heavier than the bound is refused, and the old value of its key is gone', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 10, maxBytes: 100 }, policy);
    cache.set('n1', new Entry(1, 1, 10));
    cache.set('n2', new Entry(2, 1, 10));
    cache.set('n1', new Entry(3, 1, 101));
    expect(cache.get('n1', 0)).toBeUndefined();
    expect(cache.get('n2', 0)?.value).toBe(2);
    expect(cache.stats()).toMatchObject({ refusals: 1, entries: 1, bytes: 10 });
  });

  it('an overwritten entry that grew makes others leave', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 10, maxBytes: 100 }, policy);
    for (let id = 0; id < 10; id++) cache.set(`n${id}`, new Entry(id, 1, 10));
    cache.set('n9', new Entry(99, 1, 50));
    expect(cache.bytes).toBeLessThanOrEqual(100);
    expect(cache.stats().evictions).toBeGreaterThanOrEqual(4);
  });

  it('returns an entry until the millisecond before its end, by either way', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 10, maxBytes: 100 }, policy);
    cache.set('n1', new Entry(1, 50, 1));
    expect([cache.get('n1', 49.9)?.value, cache.recall(1, 49.9)?.value]).toEqual([1, 1]);
    expect(cache.recall(1, 50)).toBeUndefined();
    expect(cache.stats()).toMatchObject({ entries: 0, expirations: 1 });
  });

  it('finds by the primitive what was set by its key, and nothing else (catches a second index that outlives a delete)', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 100, maxBytes: 10_000 }, policy);
    ARGUMENTS.forEach((argument, value) =>
      cache.set(argumentsKey([argument], 'spec'), new Entry(value)),
    );
    expect(cache.size).toBe(ARGUMENTS.length);
    expect([1, '1', 1n, true, ' ', '\ud800'].map((id) => cache.recall(id, 0)?.value)).toEqual(
      [1, '1', 1n, true, ' ', '\ud800'].map((id) => ARGUMENTS.indexOf(id)),
    );
    cache.delete(argumentsKey(['1'], 'spec'));
    expect(cache.recall('1', 0)).toBeUndefined();
    expect(cache.recall(1, 0)).toBeDefined();
    cache.clear();
    expect(cache.recall(1, 0)).toBeUndefined();
  });
});

describe('S3Fifo', () => {
  it('is O(1) per operation under churn: what evictions pass over was paid for by uses, ghosts are bounded', () => {
    const maxEntries = 1_000;
    const policy = new S3Fifo({ maxEntries, maxBytes: Infinity });
    const cache = new L1Cache<Entry>({ maxEntries, maxBytes: Infinity }, policy);
    let operations = 0;
    let state = 1;
    const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 8;
    for (; operations < 200_000; operations++) {
      const id = next() % (operations % 7 === 0 ? 50_000 : 1_500);
      if (operations % 31 === 0) cache.delete(`n${id}`);
      else if (!cache.recall(id, 0)) cache.set(`n${id}`, new Entry(id, 1, 1));
    }
    expect(cache.stats().evictions).toBeGreaterThan(10_000);
    expect(policy.passes).toBeLessThan(2 * operations);
    expect(policy.ghostCapacity).toBeLessThanOrEqual(4 * maxEntries);
  });

  it('an entry of the main queue is passed over once per use, an overwritten one keeps its standing', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 10, maxBytes: Infinity });
    const arrive = (id: number): void => {
      cache.set(`n${id}`, new Entry(id));
      cache.recall(id, 0);
      cache.recall(id, 0);
    };
    for (let id = 0; id < 10; id++) arrive(id);
    cache.set('n1', new Entry(100));
    // All have earned a place in the main queue, where the first one has to make room.
    arrive(10);
    expect([cache.peek('n0'), cache.peek('n1')?.value]).toEqual([undefined, 100]);
    cache.recall(1, 0);
    arrive(11);
    expect([cache.peek('n1')?.value, cache.peek('n2')]).toEqual([100, undefined]);
    for (let id = 12; id <= 20; id++) arrive(id);
    expect(cache.peek('n1') === undefined).toBe(true);
  });

  it('by bytes, keeps what is used while large entries pass through', () => {
    const cache = new L1Cache<Entry>({ maxEntries: 1_000_000, maxBytes: 1_000_000 });
    for (let id = 0; id < 500; id++) cache.set(`n${id}`, new Entry(id, 1, 1_000));
    for (let round = 0; round < 3; round++) for (let id = 0; id < 500; id++) cache.recall(id, 0);
    for (let id = 0; id < 2_000; id++) cache.set(`s${id}`, new Entry(id, 1, 20_000 + (id % 7)));
    let kept = 0;
    for (let id = 0; id < 500; id++) if (cache.recall(id, 0)) kept++;
    expect(kept).toBe(500);
  });
});
