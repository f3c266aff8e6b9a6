/**
 * Values as text and back: JSON with tags for what JSON cannot say. Every caller, the first one
 * included, gets the decoded and deeply frozen form, so that a value looks the same at every level.
 */
import { types } from 'node:util';
import { isPlainObject, nameOf } from './cache-key.js';
import { CacheValueError } from './cache.errors.js';

/** Marks a tagged node: `{ "$": "date", "v": 0 }`. A real key of this name is escaped. */
const TAG = '$';

/**
 * The text of a value. Kept: everything JSON has, undefined, NaN, ±Infinity, -0, bigint, `Date`,
 * `Map`, `Set`. Class instances become plain objects (through `toJSON` if they have one).
 * @throws CacheValueError `E_CACHE_VALUE` for functions, symbols, binary data, errors, cycles and
 * objects without visible state
 */
export function encodeValue(value: unknown, label: string): string {
  try {
    return JSON.stringify(new ValueEncoder(label).encode(value));
  } catch (error) {
    if (error instanceof RangeError)
      throw new CacheValueError(label, 'is nested too deeply', { cause: error });
    throw error;
  }
}

/** The value of a text made by `encodeValue`, deeply frozen. */
export function decodeValue(text: string): unknown {
  return revive(JSON.parse(text));
}

class ValueEncoder {
  readonly #label: string;
  readonly #open = new Set<object>();

  constructor(label: string) {
    this.#label = label;
  }

  encode(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : tagged('number', Object.is(value, -0) ? '-0' : String(value));
      case 'bigint':
        return tagged('bigint', String(value));
      case 'undefined':
        return tagged('undefined');
      case 'object':
        return value === null ? null : this.#encodeObject(value);
      default:
        throw new CacheValueError(this.#label, `contains a ${typeof value}`);
    }
  }

  #encodeObject(value: object): unknown {
    // An invalid date has no number in JSON: null stands for it.
    if (types.isDate(value)) return tagged('date', value.getTime());
    if (this.#open.has(value)) throw new CacheValueError(this.#label, 'contains itself');
    this.#open.add(value);
    const encoded = this.#encodeCollection(value);
    this.#open.delete(value);
    return encoded;
  }

  #encodeCollection(value: object): unknown {
    if (Array.isArray(value)) return Array.from(value, (item) => this.encode(item));
    if (types.isMap(value))
      return tagged(
        'map',
        [...value].map(([key, item]) => [this.encode(key), this.encode(item)]),
      );
    if (types.isSet(value))
      return tagged(
        'set',
        [...value].map((item) => this.encode(item)),
      );
    return this.#encodeFields(value);
  }

  #encodeFields(value: object): unknown {
    if (!isPlainObject(value)) {
      if (isUnfreezable(value)) this.#refuse(value);
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === 'function') return this.encode(toJSON.call(value, ''));
      // Whatever it is, its state is out of sight: `{}` would be a lie.
      if (Object.keys(value).length === 0) this.#refuse(value);
    }
    const fields = Object.entries(value).map(([key, item]) => [key, this.encode(item)] as const);
    return Object.hasOwn(value, TAG) ? tagged('object', fields) : Object.fromEntries(fields);
  }

  #refuse(value: object): never {
    throw new CacheValueError(
      this.#label,
      `contains ${nameOf(value)}, which cannot be stored and frozen`,
    );
  }
}

/** Typed arrays cannot be frozen; errors are outcomes, not values. */
function isUnfreezable(value: object): boolean {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isNativeError(value);
}

function tagged(tag: string, value?: unknown): Record<string, unknown> {
  return { [TAG]: tag, v: value };
}

/** Replaces tagged nodes in place and freezes on the way up. */
function revive(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Object.hasOwn(node, TAG)) return reviveTagged(node as { $: string; v?: unknown });
  const fields = node as Record<string, unknown>;
  for (const key of Object.keys(fields)) fields[key] = revive(fields[key]);
  return Object.freeze(fields);
}

function reviveTagged({ $: tag, v: value }: { $: string; v?: unknown }): unknown {
  switch (tag) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(value);
    case 'bigint':
      return BigInt(value as string);
    case 'date':
      return frozen(new Date((value as number | null) ?? Number.NaN), FROZEN_DATE);
    case 'map':
      return frozen(new Map(revive(value) as [unknown, unknown][]), FROZEN_MAP);
    case 'set':
      return frozen(new Set(revive(value) as unknown[]), FROZEN_SET);
    default:
      return Object.freeze(Object.fromEntries(revive(value) as [string, unknown][]));
  }
}

/**
 * `Object.freeze` leaves the inner slots of dates, maps and sets writable: a prototype whose
 * mutators throw is what protects them. `instanceof` and `constructor` stay what they were.
 */
function readOnlyPrototype(prototype: object, mutators: readonly string[]): object {
  const refuse = (): never => {
    throw new TypeError('Cached values are frozen: copy it first (structuredClone).');
  };
  return Object.freeze(
    Object.create(
      prototype,
      Object.fromEntries(mutators.map((name) => [name, { value: refuse }])),
    ) as object,
  );
}

const FROZEN_DATE = readOnlyPrototype(
  Date.prototype,
  Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set')),
);
const FROZEN_MAP = readOnlyPrototype(Map.prototype, ['set', 'delete', 'clear']);
const FROZEN_SET = readOnlyPrototype(Set.prototype, ['add', 'delete', 'clear']);

function frozen<T extends object>(value: T, prototype: object): T {
  return Object.freeze(Object.setPrototypeOf(value, prototype) as T);
}
