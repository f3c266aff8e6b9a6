/** Takes one shard away and brings it back. */
import type { FaultProxy } from 'nestjs-distributed/testing';
import type { PostgresServer } from '../servers/postgres-server.js';

/** An outage of one shard; `end` without `begin` changes nothing. */
export interface ShardOutage {
  /** Id of the shard that goes down. */
  readonly shard: string;
  /** Resolves when the shard is gone: its connections are cut and new ones refused. */
  begin(): Promise<void>;
  /** Resolves when the shard accepts connections again. */
  end(): Promise<void>;
}

/** Kills and restarts a server that we started ourselves. */
export class ManagedOutage implements ShardOutage {
  readonly shard: string;
  readonly #server: PostgresServer;

  constructor(shard: string, server: PostgresServer) {
    this.shard = shard;
    this.#server = server;
  }

  async begin(): Promise<void> {
    await this.#server.kill();
  }

  async end(): Promise<void> {
    if (!this.#server.running) await this.#server.restart();
  }
}

/** Cuts the line to a server that is not ours to stop. */
export class ProxiedOutage implements ShardOutage {
  readonly shard: string;
  readonly #line: FaultProxy;

  constructor(shard: string, line: FaultProxy) {
    this.shard = shard;
    this.#line = line;
  }

  begin(): Promise<void> {
    this.#line.refuse();
    this.#line.resetAll();
    return Promise.resolve();
  }

  async end(): Promise<void> {
    await this.#line.heal();
  }
}
