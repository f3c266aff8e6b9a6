/**
 * Keys made from arguments: an injective, type-tagged text. Two calls share an entry only when
 * their keys are deeply equal, so `1`, `'1'`, `[1]` and `{ a: undefined }` never meet.
 */
import { createHash } from 'node:crypto';
import { types } from 'node:util';
import type { KeyPart } from '../aspects/index.js';
import { CacheKeyError } from './cache.errors.js';

/**
 * What identifies an entry: a scalar, or plain data made of scalars, `Date`, arrays, plain objects,
 * `Map`, `Set` and `Uint8Array`. Class instances are refused: nobody can see their private state.
 */
export type CacheKey = KeyPart | object;

/** A constant key, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type CacheKeyOption<A extends any[] = any[]> = CacheKey | ((...args: A) => CacheKey);

/**
 * The key of a call whose decorator has no `key`: all arguments, without trailing `undefined`.
 * One argument that is not an array stands for itself, so `service.delete(name, id)` finds it.
 * @throws CacheKeyError `E_CACHE_KEY` when an argument has no canonical form
 */
export function argumentsKey(args: readonly unknown[], label: string): string {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  const given = args.slice(0, count);
  return encode(given.length === 1 && !Array.isArray(given[0]) ? given[0] : given, label);
}

/**
 * The key a user gave, by hand or by a key function.
 * @throws CacheKeyError `E_CACHE_KEY` for undefined, null, NaN and '' (also as the parts of an
 * array): they mean "no id" far more often than they identify something
 */
export function explicitKey(key: unknown, label: string): string {
  const parts: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (parts.length === 0) throw new CacheKeyError(label, 'has no parts');
  for (const part of parts) {
    if (part === undefined || part === null || part === '' || Number.isNaN(part))
      throw new CacheKeyError(label, `is ${part === '' ? "''" : String(part)}`);
  }
  return encode(key, label);
}

/** The key of one call of a decorated method. */
export function methodKey(
  option: CacheKeyOption | undefined,
  args: readonly unknown[],
  label: string,
): string {
  if (option === undefined) return argumentsKey(args, label);
  return explicitKey(typeof option === 'function' ? callKey(option, args) : option, label);
}

/** A key with the values of its cache's scope: tenant, locale, principal. */
export function scopedKey(key: string, scope: readonly (() => unknown)[], label: string): string {
  // No encoded key has a comma outside of brackets.
  return [key, ...scope.map((value) => explicitKey(value(), `${label} (scope)`))].join(',');
}

/** Longer keys are stored under their SHA-256, so that no argument can bloat Redis. */
const LONGEST_PLAIN_KEY = 200;

/** The key's name inside Redis: the key itself, or `#` and its SHA-256. No key starts with `#`. */
export function storedKey(key: string): string {
  if (key.length <= LONGEST_PLAIN_KEY) return key;
  return `#${createHash('sha256').update(key).digest('base64url')}`;
}

/**
 * A tag's name inside Redis.
 * @throws CacheKeyError `E_CACHE_KEY` for what is not a string, or empty
 */
export function tagName(tag: unknown, label: string): string {
  if (typeof tag !== 'string') throw new CacheKeyError(label, 'has a tag that is not a string');
  return storedKey(explicitKey(tag, label));
}

/** What a key function says of one call. */
export function callKey(option: object, args: readonly unknown[]): unknown {
  return (option as (...values: readonly unknown[]) => unknown)(...args);
}

function encode(value: unknown, label: string): string {
  return new KeyEncoder(label).encode(value);
}

/** Everything with a meaning in the encoding, white space, braces (hash tags), lone surrogates. */
const RESERVED = /[%{}[\](),=\s]|\p{Cs}/gu;

/** Whether there may be something reserved: much cheaper, and nearly always the whole answer. */
const SUSPECT = /[%{}[\](),=\s\ud800-\udfff]/;

/** One tag character per type, then the escaped value: uniquely decodable, hence injective. */
class KeyEncoder {
  readonly #label: string;
  /** The objects around the one at hand; few, so a list is faster than a set. */
  readonly #open: object[] = [];

  constructor(label: string) {
    this.#label = label;
  }

  encode(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return `s${escapeText(value)}`;
      case 'number':
        return `n${Object.is(value, -0) ? '-0' : value}`;
      case 'bigint':
        return `i${value}`;
      case 'boolean':
        return value ? 't' : 'f';
      case 'undefined':
        return 'u';
      case 'object':
        return value === null ? 'z' : this.#encodeObject(value);
      default:
        throw new CacheKeyError(this.#label, `contains a ${typeof value}`);
    }
  }

  #encodeObject(value: object): string {
    if (types.isDate(value)) return `d${value.getTime()}`;
    if (types.isUint8Array(value)) return `b${Buffer.from(value).toString('base64url')}`;
    if (this.#open.includes(value)) throw new CacheKeyError(this.#label, 'contains itself');
    this.#open.push(value);
    const text = this.#encodeCollection(value);
    this.#open.pop();
    return text;
  }

  #encodeCollection(value: object): string {
    if (Array.isArray(value)) return `[${this.#encodeItems(value)}]`;
    if (types.isMap(value))
      return `m[${[...value]
        .map((pair) => this.encode(pair))
        .toSorted()
        .join(',')}]`;
    if (types.isSet(value))
      return `S[${[...value]
        .map((item) => this.encode(item))
        .toSorted()
        .join(',')}]`;
    if (!isPlainObject(value))
      throw new CacheKeyError(this.#label, `contains ${nameOf(value)}, which is not plain data`);
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw new CacheKeyError(this.#label, 'contains an object with symbol keys');
    return `(${this.#encodeFields(value as Record<string, unknown>)})`;
  }

  #encodeItems(items: readonly unknown[]): string {
    let text = '';
    for (let index = 0; index < items.length; index++) {
      if (index > 0) text += ',';
      // A hole is not an `undefined`.
      text += index in items ? this.encode(items[index]) : 'h';
    }
    return text;
  }

  #encodeFields(fields: Record<string, unknown>): string {
    let text = '';
    for (const field of Object.keys(fields).toSorted()) {
      if (text !== '') text += ',';
      text += `${escapeText(field)}=${this.encode(fields[field])}`;
    }
    return text;
  }
}

/** An object literal or the result of `JSON.parse`, of any realm; not an instance of a class. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** `a CreateOrder instance`, for messages. */
export function nameOf(value: object): string {
  const name = (value as { constructor?: { name?: string } }).constructor?.name;
  return name ? `a ${name} instance` : 'an object of a class';
}

/** The text with everything escaped that has a meaning in a key. */
export function escapeText(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return text.replace(
    RESERVED,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
