/**
 * Keys that stand for one primitive value, and back. The first level finds those by the value
 * itself: a `Map` tells 1 from '1', and no text has to be built for a hit.
 */
import { escapeText } from './cache-key.js';

/** What a `Map` finds by value. */
export type PrimitiveKey = string | number | bigint | boolean;

/**
 * Whether a `Map` finds it where its key's text would. Not so -0, which a `Map` takes for 0, and what
 * identifies nothing by itself.
 */
export function isPrimitiveKey(value: unknown): value is PrimitiveKey {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return true;
    case 'number':
      return value !== 0 || Object.is(value, 0);
    default:
      return false;
  }
}

/**
 * The primitive whose canonical text is `key` (see cache-key); undefined for every other key, the
 * hashed ones included. Injective: only the exact canonical text counts.
 */
export function primitiveOf(key: string): PrimitiveKey | undefined {
  switch (key[0]) {
    case 's':
      return stringOf(key.slice(1));
    case 'n':
      return numberOf(key.slice(1));
    case 'i':
      return /^i(?:0|-?[1-9]\d*)$/.test(key) ? BigInt(key.slice(1)) : undefined;
    case 't':
    case 'f':
      return key.length === 1 ? key === 't' : undefined;
    default:
      return undefined;
  }
}

function numberOf(text: string): number | undefined {
  const value = Number(text);
  return String(value) === text ? value : undefined;
}

function stringOf(text: string): string | undefined {
  const plain = text.includes('%')
    ? text.replaceAll(/%([\da-f]{4})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
    : text;
  return escapeText(plain) === text ? plain : undefined;
}
