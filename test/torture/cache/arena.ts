/** One torture's processes around one Redis: starts them, collects what they say, has it judged. */
import { RedisServer } from '#servers';
import { createFaultProxy, type FaultProxy } from 'nestjs-distributed/testing';
import { Child } from '../child.js';
import { SeededRandom } from '../seeded-random.js';
import type { TortureSettings } from '../torture.js';
import type { CacheGround } from './cache-ground.js';
import { Database } from './database.js';
import { StalenessJudge } from './staleness-judge.js';
import { KEYS, TAGS } from './terrain.js';
import type { CacheWorker, SubjectName } from './worker-contract.js';

/** A process of an arena. */
export type CacheProcess = Child<CacheWorker>;

const WORKER = new URL('./worker.js', import.meta.url);
const PROCESSES = 4;
const LOAD = { tasks: 6, keys: KEYS, tags: TAGS };

/** Opened by each torture, closed with `await using`. */
export class Arena implements AsyncDisposable {
  readonly random: SeededRandom;
  readonly judge = new StalenessJudge();
  readonly processes: CacheProcess[] = [];
  /** Each process's way for messages. */
  readonly messages: FaultProxy[] = [];
  operations = 0;
  acknowledged = 0;
  unconfirmed = 0;

  private constructor(
    readonly redis: RedisServer,
    readonly database: Database,
    settings: TortureSettings,
  ) {
    this.random = new SeededRandom(settings.seed);
  }

  /** Empties the database and starts the processes. */
  static async open(
    ground: CacheGround,
    settings: TortureSettings,
    subject: SubjectName,
  ): Promise<Arena> {
    const random = new SeededRandom(settings.seed);
    const redis = await RedisServer.start();
    const arena = new Arena(redis, new Database(ground.databaseUrl, random), settings);
    try {
      await arena.database.clear();
      await arena.database.change(Array.from({ length: KEYS }, (_, key) => key));
      await Promise.all(
        Array.from({ length: PROCESSES }, async (_, number) => {
          const messages = await createFaultProxy(redis.url);
          arena.messages.push(messages);
          const name = `p${number}`;
          const process: CacheProcess = new Child(name, WORKER);
          arena.processes.push(process);
          const { seed, library } = settings;
          const { databaseUrl } = ground;
          const addresses = { redisUrl: redis.url, messagesPort: messages.port, databaseUrl };
          await process.call('boot', { name, seed, library, subject, ...addresses });
        }),
      );
      return arena;
    } catch (error) {
      await arena[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @param writes share of operations that change the database and invalidate */
  async startLoad(writes: number): Promise<void> {
    await Promise.all(this.processes.map((one) => one.call('startLoad', { ...LOAD, writes })));
  }

  /** Fetches what the processes have to tell. Who stands still tells it later. */
  async collect(): Promise<void> {
    await Promise.all(
      this.processes.map(async (one) => {
        if (one.frozen) return;
        const record = await one.call('drain');
        this.operations += record.operations;
        this.acknowledged += record.acknowledged.length / 3;
        this.unconfirmed += record.unconfirmed;
        this.judge.tell(one.name, record);
      }),
    );
  }

  /** Rejections and exceptions nobody handled. */
  get unhandled(): readonly string[] {
    return this.processes.flatMap(({ unhandled }) => unhandled);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.redis.thaw();
    await Promise.all(this.processes.map((one) => one.kill()));
    await Promise.all(this.messages.map((one) => one.stop()));
    await this.redis.stop();
    this.database.close();
  }
}
