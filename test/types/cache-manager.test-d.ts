/** `CacheManager` has the interface of cache-manager 7.2.9, copied here by shape. */
import type EventEmitter from 'node:events';
import type { CacheManager } from '../../libs/distributed/src/cache/index.js';

interface WrapOptions<T> {
  ttl?: number | ((value: T) => number);
  refreshThreshold?: number | ((value: T) => number);
}

interface Events {
  get: <T>(data: { key: string; value?: T; error?: unknown }) => void;
  mget: <T>(data: { keys: string[]; value?: T[]; error?: unknown }) => void;
  set: <T>(data: { key: string; value: T; error?: unknown }) => void;
  mset: <T>(data: { list: { key: string; value: T; ttl?: number }[]; error?: unknown }) => void;
  del: (data: { key: string; error?: unknown }) => void;
  clear: (error?: unknown) => void;
  refresh: <T>(data: { key: string; value: T; error?: unknown }) => void;
}

/** `Cache` of cache-manager 7; 6 says `null` where this says `undefined`. */
export interface Cache {
  get: <T>(key: string) => Promise<T | undefined>;
  mget: <T>(keys: string[]) => Promise<(T | undefined)[]>;
  ttl: (key: string) => Promise<number | undefined>;
  set: <T>(key: string, value: T, ttl?: number) => Promise<T>;
  mset: <T>(
    list: { key: string; value: T; ttl?: number }[],
  ) => Promise<{ key: string; value: T; ttl?: number }[]>;
  del: (key: string) => Promise<boolean>;
  mdel: (keys: string[]) => Promise<boolean>;
  clear: () => Promise<boolean>;
  on: <E extends keyof Events>(event: E, listener: Events[E]) => EventEmitter;
  off: <E extends keyof Events>(event: E, listener: Events[E]) => EventEmitter;
  disconnect: () => Promise<undefined>;
  cacheId: () => string;
  stores: object[];
  wrap<T>(
    key: string,
    fnc: () => T | Promise<T>,
    ttl?: number | ((value: T) => number),
    refreshThreshold?: number | ((value: T) => number),
  ): Promise<T>;
  wrap<T>(key: string, fnc: () => T | Promise<T>, options: WrapOptions<T>): Promise<T>;
  wrap<T>(
    key: string,
    fnc: () => T | Promise<T>,
    options: WrapOptions<T> & { raw: true },
  ): Promise<{ value: T; expires?: number | undefined }>;
}

export const fits = (manager: CacheManager): Cache => manager;

export async function use(manager: CacheManager): Promise<void> {
  const { get, wrap } = manager;
  const name: string | undefined = await get<string>('name');
  const age: number = await wrap('age', () => 36, 1000, 100);
  const raw: { value: number; expires: number } = await wrap('age', async () => 36, { raw: true });
  // @ts-expect-error keys are strings
  await manager.set(7, 'seven');
  // @ts-expect-error the value that a lifetime depends on is a number
  await wrap(
    'age',
    () => 36,
    (value: string) => value.length,
  );
  // @ts-expect-error not an event
  manager.on('expired', () => undefined);
  void [name, age, raw];
}
