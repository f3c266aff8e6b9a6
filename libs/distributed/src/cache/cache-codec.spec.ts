/** Values come back as they went in, frozen, or are refused when they go in. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compressed,
  decodeValue,
  decompressed,
  encodeValue as encode,
  type EncodedValue,
} from './cache-codec.js';
import { EntryFlag } from './entry-format.js';

describe.each(['msgpack', 'json'] as const)('the codec %s', (codec) => {
  const encodeValue = (value: unknown): EncodedValue => encode(value, 'spec', codec);
  const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value));

  it('keeps plain data exactly', () => {
    const options = { withBigInt: true, withMap: true, withSet: true };
    fc.assert(
      fc.property(fc.anything(options), (value) => {
        // Null prototypes become ordinary objects, holes become undefined: toEqual forgives both.
        expect(roundTrip(value)).toEqual(value);
      }),
      { numRuns: 1_000 },
    );
    // Jest takes no invalid date for equal to another: dates are compared by their text.
    fc.assert(
      fc.property(fc.anything({ ...options, withDate: true }), (value) => {
        expect(encodeValue(roundTrip(value)).payload).toEqual(encodeValue(value).payload);
      }),
    );
  });

  it.each([
    [undefined],
    [null],
    [''],
    [0],
    [-0],
    [false],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [10n],
    [new Date(0)],
  ])('keeps %p as it is', (value) => {
    expect(Object.is(roundTrip(value), value) || value instanceof Date).toBe(true);
    expect(roundTrip({ value })).toStrictEqual({ value });
    expect(roundTrip([value])).toStrictEqual([value]);
  });

  it('keeps an invalid date', () => {
    expect(roundTrip(new Date(Number.NaN))).toBeInstanceOf(Date);
    expect((roundTrip(new Date(Number.NaN)) as Date).getTime()).toBeNaN();
  });

  it('keeps objects that look like its own tags, and __proto__ as a field', () => {
    const tricky = { $: 'date', v: 5, nested: { $: { $: 'undefined' } } };
    expect(roundTrip(tricky)).toStrictEqual(tricky);
    const field = JSON.parse('{"__proto__":{"admin":true}}') as object;
    const copy = roundTrip(field) as { admin?: boolean };
    expect(Object.hasOwn(copy, '__proto__')).toBe(true);
    expect(copy.admin).toBeUndefined();
  });

  it('makes plain objects of class instances, through toJSON if there is one', () => {
    class User {
      constructor(readonly name: string) {}
      greet(): string {
        return this.name;
      }
    }
    class Money {
      readonly #cents = 150;
      toJSON(): string {
        return String(this.#cents / 100);
      }
    }
    expect(roundTrip({ user: new User('ada'), price: new Money() })).toStrictEqual({
      user: { name: 'ada' },
      price: '1.5',
    });
  });

  it('freezes at every depth (catches Object.freeze alone: dates, maps and sets stay mutable)', () => {
    const value = roundTrip({
      list: [{ a: 1 }],
      at: new Date(0),
      map: new Map([['a', { b: 1 }]]),
      set: new Set([1]),
    }) as {
      list: { a: number }[];
      at: Date;
      map: Map<string, { b: number }>;
      set: Set<number>;
    };
    expect(() => (value.list[0]!.a = 2)).toThrow(TypeError);
    expect(() => value.list.push({ a: 2 })).toThrow(TypeError);
    expect(() => value.at.setFullYear(1999)).toThrow(/frozen/);
    expect(() => value.map.set('b', { b: 2 })).toThrow(/frozen/);
    expect(() => value.map.clear()).toThrow(/frozen/);
    expect(() => value.set.add(2)).toThrow(/frozen/);
    expect(() => (value.map.get('a')!.b = 2)).toThrow(TypeError);
    expect(value.at).toBeInstanceOf(Date);
    expect(structuredClone(value.at).setFullYear(1999)).toBeLessThan(value.at.getTime() + 1e15);
  });

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['binary data', Buffer.from('x')],
    ['an error', new Error('x')],
    [
      'an object without visible state',
      new (class Secret {
        #id = 1;
        has(): boolean {
          return this.#id > 0;
        }
      })(),
    ],
    ['a promise', Promise.resolve(1)],
  ])('refuses %s', (_name, value) => {
    expect(() => roundTrip({ value })).toThrow(expect.objectContaining({ code: 'E_CACHE_VALUE' }));
  });

  it('refuses cycles and bottomless nesting', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => roundTrip(cycle)).toThrow(/contains itself/);
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(() => roundTrip(deep)).toThrow(/nested too deeply/);
  });
});

describe('stored forms', () => {
  const rows = Array.from({ length: 1_000 }, (_unused, id) => ({ id, name: `user ${id}` }));

  it('say which codec wrote them, so both are read side by side', () => {
    const [packed, text] = [encode(rows, 'spec', 'msgpack'), encode(rows, 'spec', 'json')];
    expect(decodeValue(packed)).toEqual(decodeValue(text));
    expect(packed.payload.length).toBeLessThan(text.payload.length / 2);
    expect(text.payload.toString()).toMatch(/^\[\{"id":0,/);
  });

  it('keep what MessagePack would change, by the exact codec (catches: -0, __proto__, lone surrogates)', () => {
    const tricky = [-0, JSON.parse('{"__proto__":1}'), 'a\ud800'];
    expect(decodeValue(encode(tricky, 'spec', 'msgpack'))).toStrictEqual(tricky);
  });

  it('survive many shapes in one value (catches: records that become maps beyond a limit)', () => {
    const shapes = Array.from({ length: 5_000 }, (_unused, id) => ({ [`field${id}`]: id }));
    expect(decodeValue(encode(shapes, 'spec', 'msgpack'))).toEqual(shapes);
  });

  it('are compressed from a size on, if that helps, and frozen all the same', async () => {
    const encoded = encode(rows, 'spec', 'msgpack');
    expect(await compressed(encoded, 1_000_000)).toBe(encoded);
    const small = await compressed(encoded, 1_024);
    expect(small.flags & EntryFlag.compressed).toBeTruthy();
    expect(small.payload.length).toBeLessThan(encoded.payload.length / 2);
    const value = decodeValue(await decompressed(small));
    expect(value).toEqual(rows);
    expect(Object.isFrozen((value as object[])[0])).toBe(true);
    const noise = {
      codec: 0,
      flags: 0,
      payload: Buffer.from(crypto.getRandomValues(new Uint8Array(2_000))),
    };
    expect(await compressed(noise, 1_024)).toBe(noise);
  });

  it('are refused when damaged', async () => {
    const encoded = encode(rows, 'spec', 'msgpack');
    const cut = { ...encoded, payload: encoded.payload.subarray(0, 100) };
    expect(() => decodeValue(cut)).toThrow(/Unexpected end|end of buffer/);
    expect(() => decodeValue({ ...encoded, codec: 9 })).toThrow(/unknown codec/);
    const broken = { ...cut, flags: EntryFlag.compressed };
    await expect(decompressed(broken)).rejects.toThrow(/invalid/);
  });

  it('mark null and undefined, and nothing else', () => {
    for (const value of [null, undefined])
      expect(encode(value, 'spec', 'msgpack').flags).toBe(EntryFlag.negative);
    for (const value of [0, '', false, Number.NaN])
      expect(encode(value, 'spec', 'msgpack').flags).toBe(0);
  });
});
