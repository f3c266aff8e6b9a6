/**
 * Every member of TypeORM and node-postgres this room touches, as structural types. TypeORM is an
 * optional peer, and this list is what an upgrade of it has to keep; the joining proof checks it.
 */
import type { DataSourceLike } from './data-source-like.js';

/** The answer of node-postgres; `command` is the tag the server sent. */
export interface CommandAnswer {
  readonly command?: unknown;
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
}

/** A node-postgres client checked out of its pool. */
export interface DriverClient {
  query(sql: string): Promise<CommandAnswer>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  removeListener(event: 'error', listener: (error: unknown) => void): unknown;
}

/** TypeORM's notifier of entity subscribers. */
export interface SubscriberBroadcaster {
  broadcast(event: string): Promise<void>;
}

/** TypeORM's QueryRunner: one connection. */
export interface Runner {
  manager: Manager;
  readonly broadcaster: SubscriberBroadcaster;
  readonly isReleased: boolean;
  connect(): Promise<unknown>;
  query(sql: string, parameters?: unknown, structured?: boolean): Promise<unknown>;
  release(): Promise<void>;
}

/** The body of `manager.transaction`. */
export type ManagerWork = (manager: Manager) => Promise<unknown>;

/** TypeORM's EntityManager. */
export interface Manager {
  readonly queryRunner?: Runner | undefined;
  transaction(isolationOrWork: unknown, work?: unknown): Promise<unknown>;
  getRepository(target: unknown): unknown;
  getTreeRepository(target: unknown): unknown;
}

/** TypeORM's DataSource. */
export interface TypeOrmDataSource extends DataSourceLike {
  readonly options: {
    readonly type: string;
    readonly isolationLevel?: string;
  };
  readonly manager: Manager;
  readonly subscribers: readonly unknown[];
  readonly logger: {
    logQuery(sql: string, parameters: undefined, runner: Runner): void;
    logQueryError(error: unknown, sql: string, parameters: undefined, runner: Runner): void;
  };
  createQueryRunner(mode?: 'master' | 'slave'): Runner;
  createEntityManager(runner: Runner): Manager;
  query(sql: string, parameters?: unknown, runner?: Runner): Promise<unknown>;
  createQueryBuilder(entityOrRunner?: unknown, alias?: string, runner?: Runner): unknown;
}
