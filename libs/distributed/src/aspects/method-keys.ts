/** Several keys of one call, for those who lock: each once, and in one order everywhere. */
import { encodeKey, InvalidKeyError, type KeyInput, type KeyPart } from './method-key.js';

/**
 * One key: a part, or several parts that make it (`['order', 7]`). Several keys: a list of such lists
 * (`[['account', 7], ['account', 9]]`).
 */
export type KeysInput = KeyInput | readonly (readonly KeyPart[])[];

/** A constant, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type KeysOption<A extends any[] = any[]> = KeysInput | ((...args: A) => KeysInput);

/** At least one encoded key, each once, in order. */
export type EncodedKeys = readonly [string, ...string[]];

/**
 * The encoded keys, each once, in the one order everybody takes them in: callers that want the same
 * keys never wait for each other in a ring.
 * @throws InvalidKeyError `E_KEY_INVALID`
 */
export function encodeKeys(input: KeysInput, label: string): EncodedKeys {
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

function isList(input: KeysInput): input is readonly (readonly KeyPart[])[] {
  return Array.isArray(input) && Array.isArray(input[0]);
}
