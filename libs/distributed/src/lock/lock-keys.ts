/** The keys of one call: one, or several that are locked together. */
import { encodeKey, InvalidKeyError, type KeyInput, type KeyPart } from '../aspects/index.js';

/**
 * What is locked. One key: a part, or several parts that make it (`['order', 7]`). Several keys: a
 * list of such lists (`[['account', 7], ['account', 9]]`); all of them are locked, or none.
 */
export type LockKeyInput = KeyInput | readonly (readonly KeyPart[])[];

/** A constant, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type LockKeyOption<A extends any[] = any[]> = LockKeyInput | ((...args: A) => LockKeyInput);

/** At least one encoded key, each once, in order. */
export type LockKeys = readonly [string, ...string[]];

/**
 * The encoded keys, each once, in the one order everybody takes them in: callers that want the same
 * keys never wait for each other in a ring.
 * @throws InvalidKeyError `E_KEY_INVALID`
 */
export function encodeKeys(input: LockKeyInput, label: string): LockKeys {
  if (!isList(input)) return [encodeKey(input, label)];
  const encoded = input.map((key, index) => {
    if (!Array.isArray(key))
      throw new InvalidKeyError(label, `mixes keys and parts: item ${index} is no array`);
    return encodeKey(key, `${label}, key ${index},`);
  });
  const [first, ...others] = [...new Set(encoded)].toSorted((a, b) => (a < b ? -1 : 1));
  // There is a first one: `isList` looked at it.
  return [first as string, ...others];
}

function isList(input: LockKeyInput): input is readonly (readonly KeyPart[])[] {
  return Array.isArray(input) && Array.isArray(input[0]);
}
