/** The keys of one lock: one, or several that are locked together. */
import type { EncodedKeys, KeysInput, KeysOption } from '../aspects/index.js';

/**
 * What is locked. One key: a part, or several parts that make it (`['order', 7]`). Several keys: a
 * list of such lists (`[['account', 7], ['account', 9]]`); all of them are locked, or none.
 */
export type LockKeyInput = KeysInput;

/** A constant, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type LockKeyOption<A extends any[] = any[]> = KeysOption<A>;

/** At least one encoded key, each once, in order. */
export type LockKeys = EncodedKeys;
