/**
 * The interface of cache-manager 6 and 7 on top of `CacheService`, for applications that come from
 * `@nestjs/cache-manager`. Functions, not methods: its users may take them off the object.
 */
import { EventEmitter } from 'node:events';
import { InvalidOptionsError } from '../distributed.errors.js';
import { type Clock, type Duration, toMs } from '../time/index.js';
import type {
  CacheManagerEvents,
  CacheManagerSettings,
  CacheManagerListedValue,
  CacheManagerRawValue,
  CacheManagerWrapOptions,
} from './cache-manager.options.js';
import type { CacheLoad } from './cache-load.js';
import type { CacheService } from './cache.service.js';

/** As stored: a value of `null` lives as long as every other one, and everybody can say for how long. */
type Entry<T> = CacheManagerRawValue<T>;

/** `wrap()` of cache-manager. */
interface Wrap {
  <T>(
    key: string,
    load: () => T | Promise<T>,
    options: CacheManagerWrapOptions<T> & { raw: true },
  ): Promise<CacheManagerRawValue<T>>;
  <T>(key: string, load: () => T | Promise<T>, options: CacheManagerWrapOptions<T>): Promise<T>;
  <T>(
    key: string,
    load: () => T | Promise<T>,
    ttl?: number | ((value: T) => number),
    refreshThreshold?: number | ((value: T) => number),
  ): Promise<T>;
}

/** Either a lifetime, or the options of `wrap()`. */
type WrapTerms<T> =
  | number
  | ((value: T) => number)
  | (CacheManagerWrapOptions<T> & { readonly raw?: boolean });

/** Settings with the lifetime of an entry that has none of its own. */
export type CacheManagerTerms = CacheManagerSettings & { readonly ttl: number };

/**
 * What `@Inject(CACHE_MANAGER)` gives. Other than in cache-manager: `undefined` and `null` are values
 * and are cached; a lifetime of 0 is refused instead of meaning for ever; errors of `wrap()`'s function
 * are never swallowed; `set` and `del` wait for the commit inside `@Transactional()`.
 */
export class CacheManager {
  readonly #cache: CacheService;
  readonly #clock: Clock;
  readonly #terms: CacheManagerTerms;
  readonly #events = new EventEmitter();
  readonly #refreshing = new Set<string>();

  /** Always empty: the levels are not to be used by themselves. */
  readonly stores: never[] = [];

  constructor(cache: CacheService, clock: Clock, terms: CacheManagerTerms) {
    this.#cache = cache;
    this.#clock = clock;
    this.#terms = terms;
  }

  /** The value; on a miss `undefined`, or what the option `miss` says. */
  readonly get = async <T>(key: string): Promise<T | undefined> => {
    const entry = await this.#find<T>(key);
    if (!entry) return this.#miss();
    const value = this.#own(entry.value);
    this.#emit('get', { key, value });
    return value;
  };

  /** The values in the order of `keys`. */
  readonly mget = async <T>(keys: string[]): Promise<(T | undefined)[]> => {
    const entries = await Promise.all(keys.map((key) => this.#find<T>(key)));
    const values = entries.map((entry) => (entry ? this.#own(entry.value) : this.#miss<T>()));
    this.#emit('mget', { keys, values });
    return values;
  };

  /** When the value expires, in milliseconds since the epoch. */
  readonly ttl = async (key: string): Promise<number | undefined> => {
    return (await this.#find(key))?.expires ?? this.#miss<number>();
  };

  /** @throws InvalidOptionsError `E_OPTIONS_INVALID` for a lifetime that is not greater than 0 */
  readonly set = async <T>(key: string, value: T, ttl?: Duration): Promise<T> =>
    this.#told('set', { key, value }, async () => {
      await this.#write(key, value, ttl);
      return value;
    });

  readonly mset = async <T>(
    list: CacheManagerListedValue<T>[],
  ): Promise<CacheManagerListedValue<T>[]> =>
    this.#told('mset', { list }, async () => {
      await Promise.all(list.map(({ key, value, ttl }) => this.#write(key, value, ttl)));
      return list;
    });

  readonly del = async (key: string): Promise<boolean> =>
    this.#told('del', { key }, () => this.#forget([key]));

  readonly mdel = async (keys: string[]): Promise<boolean> => this.#forget(keys);

  /** Forgets everything under this name, and nothing else in Redis. */
  readonly clear = async (): Promise<boolean> => {
    try {
      await this.#cache.clear(this.#terms.name);
      this.#events.emit('clear');
      return true;
    } catch (error) {
      this.#events.emit('clear', error);
      throw error;
    }
  };

  readonly on = <E extends keyof CacheManagerEvents>(
    event: E,
    listener: CacheManagerEvents[E],
  ): EventEmitter => this.#events.on(event, listener as (...values: unknown[]) => void);

  readonly off = <E extends keyof CacheManagerEvents>(
    event: E,
    listener: CacheManagerEvents[E],
  ): EventEmitter => this.#events.off(event, listener as (...values: unknown[]) => void);

  /** Does nothing: the connection belongs to the application. */
  readonly disconnect = async (): Promise<undefined> => undefined;

  readonly cacheId = (): string => this.#terms.name;

  /**
   * The cached value, or what the function returns: run once per cluster; with `raw` together with its
   * expiry.
   */
  readonly wrap = (async (key, load, terms, refreshThreshold) =>
    this.#wrap(key, load, terms as WrapTerms<unknown>, refreshThreshold)) as Wrap;

  async #wrap<T>(
    key: string,
    load: () => T | Promise<T>,
    terms: WrapTerms<T> | undefined,
    refreshThreshold: number | ((value: T) => number) | undefined,
  ): Promise<T | CacheManagerRawValue<T>> {
    const options =
      typeof terms === 'object' ? terms : { ttl: terms, refreshThreshold, raw: false };
    const { ttl } = options;
    let loaded = false;
    const fill = async (run: CacheLoad): Promise<Entry<T>> => {
      loaded = true;
      const value = await load();
      const ms = this.#lifetime(typeof ttl === 'function' ? ttl(value) : ttl);
      run.setTtl(ms);
      return this.#entry(value, ms);
    };
    // Checked before anything runs; what a function says is known only afterwards.
    const lifetime = { ttl: this.#lifetime(typeof ttl === 'function' ? undefined : ttl) };
    const { name } = this.#terms;
    const { value, expires } = await this.#cache.getOrSet(name, key, fill, lifetime);
    const wanted = options.refreshThreshold ?? this.#terms.refreshThreshold;
    const thresholdMs = typeof wanted === 'function' ? wanted(value) : wanted;
    if (!loaded && thresholdMs > 0)
      void this.#refresh(key, value, thresholdMs, () =>
        this.#cache.refresh(name, key, fill, lifetime),
      );
    return options.raw ? { value: this.#own(value), expires } : this.#own(value);
  }

  /** In the background; callers get the old value meanwhile. A failure is only an event. */
  async #refresh<T>(
    key: string,
    old: T,
    thresholdMs: number,
    renew: () => Promise<Entry<T>>,
  ): Promise<void> {
    if (this.#refreshing.has(key)) return;
    this.#refreshing.add(key);
    try {
      const leftMs = await this.#cache.ttl(this.#terms.name, key);
      if (leftMs === undefined || leftMs >= thresholdMs) return;
      const { value } = await renew();
      this.#emit('refresh', { key, value });
    } catch (error) {
      this.#emit('refresh', { key, value: old, error });
    } finally {
      this.#refreshing.delete(key);
    }
  }

  async #find<T>(key: string): Promise<Entry<T> | undefined> {
    const hit = await this.#cache.get<Entry<T>>(this.#terms.name, key);
    return hit?.value;
  }

  async #write(key: string, value: unknown, ttl: Duration | undefined): Promise<void> {
    const lifetime = { ttl: this.#lifetime(ttl) };
    await this.#cache.set(this.#terms.name, key, this.#entry(value, lifetime.ttl), lifetime);
  }

  async #forget(keys: readonly string[]): Promise<boolean> {
    await Promise.all(keys.map((key) => this.#cache.delete(this.#terms.name, key)));
    return true;
  }

  #entry<T>(value: T, lifetimeMs: number): Entry<T> {
    return { value, expires: this.#clock.epochMs() + lifetimeMs };
  }

  #lifetime(ttl: Duration | undefined): number {
    if (ttl === undefined || ttl === null) return this.#terms.ttl;
    const ms = Math.ceil(toMs(ttl, 'ttl'));
    if (ms > 0) return ms;
    throw new InvalidOptionsError(
      'ttl',
      'expected milliseconds greater than 0; nothing is cached for ever, so leave it out for the default',
    );
  }

  #miss<T>(): T | undefined {
    return this.#terms.miss as T | undefined;
  }

  /** A value the caller may change, unless it is not to be changed. */
  #own<T>(value: T): T {
    return this.#terms.isolation === 'clone' ? structuredClone(value) : value;
  }

  /** Tells the outcome of a change by an event, too. */
  async #told<T>(
    event: 'set' | 'mset' | 'del',
    data: object,
    change: () => Promise<T>,
  ): Promise<T> {
    try {
      const result = await change();
      this.#emit(event, data);
      return result;
    } catch (error) {
      this.#emit(event, { ...data, error });
      throw error;
    }
  }

  #emit(event: keyof CacheManagerEvents, data: object): void {
    this.#events.emit(event, data);
  }
}
