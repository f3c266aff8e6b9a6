/** The names of keys and channels: one place, so that no two rooms meet and Cluster works. */
import { RedisKeyError } from './redis.errors.js';

/** Makes keys below one prefix. */
export class RedisKeys {
  /** Stands before every key, without the colon. */
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /**
   * `<prefix>:<room>:{<name>}[:<suffix>…]`. The name is the hash tag: all keys of one name live in
   * one slot, so that a script may use them together.
   * @throws RedisKeyError `E_REDIS_KEY` when the name is empty or contains a brace
   */
  key(room: string, name: string, ...suffixes: readonly string[]): string {
    // Without a clean tag, Cluster hashes whole keys and the keys of one name part.
    if (name === '' || /[{}]/.test(name)) throw new RedisKeyError(room, name);
    return [this.prefix, room, `{${name}}`, ...suffixes].join(':');
  }

  /** `<prefix>:<room>:<name>`: a channel, or a key that is never used together with another. */
  channel(room: string, name: string): string {
    return [this.prefix, room, name].join(':');
  }
}
