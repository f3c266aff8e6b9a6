/**
 * Makes one DataSource transactional by accessors on the instance and on its manager: everything of
 * TypeORM asks `manager.queryRunner` at the moment of use. Prototypes stay as they are, so other
 * DataSources, other applications and other copies of TypeORM are not touched.
 */
import { type DataSourceLike, dataSourceName } from './data-source-like.js';
import { facadeOf, nestedTransaction } from './runner-facade.js';
import type { TransactionContext } from './transaction-context.js';
import { JoiningBrokenError } from './transaction.errors.js';
import type { Runner, TypeOrmDataSource } from './typeorm-surface.js';

const ADOPTED = Symbol.for('nestjs-distributed:adopted-data-source');

/** What was learned about the sessions of a DataSource by proving that joining works. */
export interface ProvenFacts {
  readonly isolation: string;
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export class AdoptedDataSource {
  /** Set once joining was proven; nothing runs before. */
  proof: Promise<ProvenFacts> | undefined;
  /** The result of `proof`. */
  facts: ProvenFacts | undefined;

  private constructor(
    readonly dataSource: TypeOrmDataSource,
    /** Of the application that adopted it first: an object shared by two has one context. */
    readonly context: TransactionContext,
  ) {}

  /** Adopts a DataSource, once per object. */
  static of(candidate: DataSourceLike, context: TransactionContext): AdoptedDataSource {
    const dataSource = candidate as TypeOrmDataSource & { [ADOPTED]?: unknown };
    const existing = dataSource[ADOPTED];
    if (existing instanceof AdoptedDataSource) return existing;
    if (existing !== undefined)
      throw new JoiningBrokenError(
        dataSourceName(dataSource),
        'another installed copy of nestjs-distributed adopted it',
      );
    const adopted = new AdoptedDataSource(dataSource, context);
    Object.defineProperty(dataSource, ADOPTED, { value: adopted });
    adopted.#join();
    return adopted;
  }

  /** What TypeORM must use here: the scope's runner, or none outside of transactions. */
  get #runner(): Runner | undefined {
    const frame = this.context.frame(this.dataSource);
    return frame && facadeOf(frame.scope, this.context);
  }

  #join(): void {
    const { dataSource, context } = this;
    const { manager } = dataSource;
    const runner = (): Runner | undefined => this.#runner;
    const query = dataSource.query.bind(dataSource);
    const createQueryBuilder = dataSource.createQueryBuilder.bind(dataSource);
    const transaction = manager.transaction.bind(manager);
    const getRepository = manager.getRepository.bind(manager);
    const getTreeRepository = manager.getTreeRepository.bind(manager);
    const own = (target: object, name: string, value: unknown): void => {
      Object.defineProperty(target, name, { value, configurable: true, writable: true });
    };

    Object.defineProperty(manager, 'queryRunner', { get: runner, configurable: true });
    own(dataSource, 'query', (sql: string, parameters?: unknown, given?: Runner) =>
      query(sql, parameters, given ?? runner()),
    );
    own(dataSource, 'createQueryBuilder', (subject?: unknown, alias?: string, given?: Runner) =>
      !alias
        ? createQueryBuilder(subject ?? runner())
        : createQueryBuilder(subject, alias, given ?? runner()),
    );
    own(manager, 'transaction', (...args: [unknown, unknown?]) => {
      const scope = context.frame(dataSource)?.scope;
      return scope ? nestedTransaction(scope, context, args) : transaction(...args);
    });
    // A repository keeps the runner it was made with, and the manager keeps the repository.
    own(manager, 'getRepository', (target: unknown) =>
      context.outside(() => getRepository(target)),
    );
    own(manager, 'getTreeRepository', (target: unknown) =>
      context.outside(() => getTreeRepository(target)),
    );
  }
}
