/** What all tortures of a run share: the protected resources. Each has its own lock Redis. */
import { PostgresServer, RedisServer } from '#servers';
import { ProtectedResources, type ResourceAddresses } from './protected-resources.js';

/** Two servers that suffer no fault, so that their journals can be believed. */
export class LockGround implements AsyncDisposable {
  private constructor(
    private readonly postgres: PostgresServer,
    private readonly redis: RedisServer,
    readonly resources: ProtectedResources,
  ) {}

  static async open(): Promise<LockGround> {
    const [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    const addresses = { sql: postgres.url, redis: redis.url };
    const resources = new ProtectedResources(addresses, 'read-and-write');
    await resources.prepare();
    return new LockGround(postgres, redis, resources);
  }

  /** For the processes. */
  get addresses(): ResourceAddresses {
    return { sql: this.postgres.url, redis: this.redis.url };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.close();
    await Promise.all([this.postgres.stop(), this.redis.stop()]);
  }
}
