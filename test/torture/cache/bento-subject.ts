/** BentoCache with memory, Redis and its bus, where `npm run bench` has installed it. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { type Subject, type SubjectOptions, TTL_MS } from './subject.js';

interface Store {
  useL1Layer(driver: object): Store;
  useL2Layer(driver: object): Store;
  useBus(driver: object): Store;
}

interface Bento {
  getOrSet(options: object): Promise<number>;
  delete(options: { key: string }): Promise<unknown>;
  deleteByTag(options: { tags: string[] }): Promise<unknown>;
}

interface BentoModules {
  readonly BentoCache: new (options: object) => Bento;
  readonly bentostore: () => Store;
  readonly memoryDriver: (options: object) => object;
  readonly redisDriver: (options: object) => object;
  readonly redisBusDriver: (options: object) => object;
}

/** Undefined where it is not installed. */
export async function bentoModules(): Promise<BentoModules | undefined> {
  const { resolve } = createRequire(new URL('../../../test/bench/package.json', import.meta.url));
  const modules = ['bentocache', 'bentocache/drivers/memory', 'bentocache/drivers/redis'];
  try {
    const loaded = modules.map((name) => import(pathToFileURL(resolve(name)).href));
    return Object.assign({}, ...(await Promise.all(loaded))) as BentoModules;
  } catch {
    return undefined;
  }
}

/** @throws Error where it is not installed */
export async function openBento(options: SubjectOptions): Promise<Subject> {
  const modules = await bentoModules();
  if (!modules) throw new Error('bentocache is not installed');
  const { BentoCache, bentostore, memoryDriver, redisDriver, redisBusDriver } = modules;
  const { redisUrl, messagesPort, load, tagOf } = options;
  const { hostname: host, port } = new URL(redisUrl);
  const connection = new Redis({ host, port: Number(port) });
  // An error without listener ends the process; it reconnects by itself.
  connection.on('error', () => undefined);
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 100_000 }))
    .useL2Layer(redisDriver({ connection }))
    .useBus(redisBusDriver({ connection: { host, port: messagesPort } }));
  const bento = new BentoCache({ default: 'torture', stores: { torture: store }, ttl: TTL_MS });
  return {
    read: (key) =>
      bento.getOrSet({
        key: String(key),
        tags: [`tag-${tagOf(key)}`],
        factory: () => load(key),
      }),
    forget: (key) => bento.delete({ key: String(key) }),
    forgetTag: (tag) => bento.deleteByTag({ tags: [`tag-${tag}`] }),
    settled: () => true,
    isUnconfirmed: () => true,
  };
}
