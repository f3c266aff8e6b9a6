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
  const text = key.slice(1);
  switch (key[0]) {
    case 's':
      return text.includes('%') ? unescapedText(text) : canonical(text, escapeText(text) === text);
    case 'n': {
      const value = Number(text);
      return canonical(value, String(value) === text);
    }
    case 'i':
      return /^(?:0|-?[1-9]\d*)$/.test(text) ? BigInt(text) : undefined;
    case 't':
    case 'f':
      return text === '' ? key === 't' : undefined;
    default:
      return undefined;
  }
}

function canonical<T>(value: T, valid: boolean): T | undefined {
  return valid ? value : undefined;
}

function unescapedText(text: string): string | undefined {
  const plain = text.replaceAll(/%([\da-f]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return canonical(plain, escapeText(plain) === text);
}
