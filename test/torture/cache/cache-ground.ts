/** What all tortures of a run share: the database. Each has its own cache Redis. */
import { RedisServer } from '#servers';

/** A server that suffers no fault, so that it can be believed. */
export class CacheGround implements AsyncDisposable {
  private constructor(private readonly server: RedisServer) {}

  static async open(): Promise<CacheGround> {
    return new CacheGround(await RedisServer.start());
  }

  /** For the processes. */
  get databaseUrl(): string {
    return this.server.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}
