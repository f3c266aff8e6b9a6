/**
 * Plain data: what every level and every process can give back alike. Every caller, the first one
 * included, gets the decoded form, so that a value looks the same wherever it comes from.
 */
import { types } from 'node:util';
import { isPlainObject, nameOf } from './cache-key.js';
import { CacheValueError } from './cache.errors.js';

/** A copy made of plain data alone. */
export interface PlainForm {
  readonly value: unknown;
  /** Whether it holds what only the JSON codec keeps: -0, lone surrogates, a field `__proto__`. */
  readonly exotic: boolean;
}

/**
 * Copies a value. Kept: everything JSON has, undefined, NaN, ±Infinity, -0, bigint, `Date`, `Map`,
 * `Set`. Class instances become plain objects (through `toJSON` if they have one).
 * @throws CacheValueError `E_CACHE_VALUE` for functions, symbols, binary data, errors, cycles and
 * objects without visible state; a RangeError when it is nested too deeply
 */
export function plainForm(value: unknown, label: string): PlainForm {
  const copier = new PlainCopier(label);
  return { value: copier.copy(value), exotic: copier.exotic };
}

class PlainCopier {
  readonly #label: string;
  readonly #open = new Set<object>();
  exotic = false;

  constructor(label: string) {
    this.#label = label;
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.exotic ||= isIllFormed(value);
        return value;
      case 'number':
        this.exotic ||= Object.is(value, -0);
        return value;
      case 'boolean':
      case 'bigint':
      case 'undefined':
        return value;
      case 'object':
        return value === null ? null : this.#copyObject(value);
      default:
        throw new CacheValueError(this.#label, `contains a ${typeof value}`);
    }
  }

  #copyObject(value: object): unknown {
    if (types.isDate(value)) return new Date(value.getTime());
    if (this.#open.has(value)) throw new CacheValueError(this.#label, 'contains itself');
    this.#open.add(value);
    const copy = this.#copyCollection(value);
    this.#open.delete(value);
    return copy;
  }

  #copyCollection(value: object): unknown {
    if (Array.isArray(value)) return Array.from(value, (item) => this.copy(item));
    if (types.isMap(value))
      return new Map(Array.from(value, ([key, item]) => [this.copy(key), this.copy(item)]));
    if (types.isSet(value)) return new Set(Array.from(value, (item) => this.copy(item)));
    return this.#copyFields(value);
  }

  #copyFields(value: object): unknown {
    if (!isPlainObject(value)) {
      if (isUnfreezable(value)) this.#refuse(value);
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === 'function') return this.copy(toJSON.call(value, ''));
      // Whatever it is, its state is out of sight: `{}` would be a lie.
      if (Object.keys(value).length === 0) this.#refuse(value);
    }
    const fields = Object.entries(value).map(([name, item]): [string, unknown] => {
      this.exotic ||= name === '__proto__' || isIllFormed(name);
      return [name, this.copy(item)];
    });
    return Object.fromEntries(fields);
  }

  #refuse(value: object): never {
    throw new CacheValueError(
      this.#label,
      `contains ${nameOf(value)}, which cannot be stored and frozen`,
    );
  }
}

/** Lone surrogates have no bytes in UTF-8. */
function isIllFormed(text: string): boolean {
  return /\p{Cs}/u.test(text);
}

/** Typed arrays cannot be frozen; errors are outcomes, not values. */
function isUnfreezable(value: object): boolean {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isNativeError(value);
}

/** Freezes plain data at every depth, in place. */
export function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (types.isDate(value)) return frozen(value, FROZEN_DATE);
  if (types.isMap(value)) {
    for (const [key, item] of value) {
      deepFreeze(key);
      deepFreeze(item);
    }
    return frozen(value, FROZEN_MAP);
  }
  if (types.isSet(value)) {
    for (const item of value) deepFreeze(item);
    return frozen(value, FROZEN_SET);
  }
  for (const name of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[name]);
  return Object.freeze(value);
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
