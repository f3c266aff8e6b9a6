/** Keys made from a method's arguments: an injective text encoding of one or more scalar parts. */
import { DistributedError } from '../distributed.errors.js';

/** A scalar that can be part of a key. */
export type KeyPart = string | number | bigint | boolean;

/** One part, or several that are joined without ambiguity. */
export type KeyInput = KeyPart | readonly KeyPart[];

/** A constant key, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type KeyOption<A extends any[] = any[]> = KeyInput | ((...args: A) => KeyInput);

/** `E_KEY_INVALID`: a key function returned something that does not identify anything. */
export class InvalidKeyError extends DistributedError {
  constructor(label: string, problem: string) {
    super(
      'E_KEY_INVALID',
      `The key of ${label} ${problem}. Return a non-empty string, a number, a bigint, a boolean, or an array of those.`,
    );
  }
}

/**
 * The key of one call, e.g. `['sku', 'a:b']` → `sku:a%3Ab`. Injective over parts, and free of `{`
 * and `}`, so it can stand inside a Redis Cluster hash tag.
 * @throws InvalidKeyError `E_KEY_INVALID` for undefined, null, NaN, '', objects, or no parts
 */
export function resolveKey(option: KeyOption, args: readonly unknown[], label: string): string {
  return encodeKey(typeof option === 'function' ? option(...args) : option, label);
}

/** See `resolveKey`. */
export function encodeKey(input: KeyInput, label: string): string {
  const parts: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (parts.length === 0) throw new InvalidKeyError(label, 'has no parts');
  return parts
    .map((part, index) => encodePart(part, parts.length > 1 ? `part ${index}` : 'value', label))
    .join(':');
}

const RESERVED = /[%:{}\s]/g;

function encodePart(part: unknown, name: string, label: string): string {
  const valid =
    (typeof part === 'string' && part !== '') ||
    (typeof part === 'number' && Number.isFinite(part)) ||
    typeof part === 'bigint' ||
    typeof part === 'boolean';
  if (!valid)
    throw new InvalidKeyError(
      label,
      `has an unusable ${name}: ${part === '' ? "''" : String(part)} (${part === null ? 'null' : typeof part})`,
    );
  return String(part).replace(RESERVED, (character) => encodeURIComponent(character));
}
