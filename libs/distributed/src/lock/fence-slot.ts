/** Where a fence must live so that a script may use it together with the keys it protects. */
import { FenceUnusableError } from './lock.errors.js';

/**
 * The hash tag that the keys share, by the rules of Redis Cluster.
 * @throws FenceUnusableError `E_LOCK_FENCE` when they share none, or it cannot be a tag
 */
export function fenceSlot(keys: readonly string[]): string {
  const [tag, ...others] = new Set(keys.map(tagOf));
  if (tag === undefined)
    throw new FenceUnusableError('there is no key. Name the keys it protects.');
  if (others.length > 0)
    throw new FenceUnusableError(
      "its keys are not in one slot. Give them one hash tag, such as 'stock:{book}' and 'sales:{book}', or fence each by itself.",
    );
  // The fence is `…{tag}…`: only what the key hashes by, written so that the fence hashes by it too.
  if (tag === '' || /[{}]/.test(tag))
    throw new FenceUnusableError(
      "the key cannot be given a neighbour in its slot: it is empty or has loose braces. Use a key with a hash tag, such as 'stock:{book}'.",
    );
  return tag;
}

/** What stands between the first `{` and the next `}`, if anything; else the whole key. */
function tagOf(key: string): string {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}
