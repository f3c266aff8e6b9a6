/** The part of a TypeORM `DataSource` that this room names in public types; TypeORM stays optional. */

/** A TypeORM `DataSource`. */
export interface ShardDataSource {
  readonly isInitialized: boolean;
  readonly options: { readonly type: string };
  /** Its `EntityManager`. */
  readonly manager: object;
  initialize(): Promise<unknown>;
  destroy(): Promise<void>;
  // oxlint-disable-next-line typescript/no-explicit-any -- TypeORM's own result type
  query(sql: string, parameters?: unknown[]): Promise<any>;
}

/** An entity class. */
export type EntityClass = abstract new (...args: never[]) => object;

/** Whether a transaction of this async context is open: set by whoever adopts the manager. */
export function hasOpenTransaction(dataSource: ShardDataSource): boolean {
  return (dataSource.manager as { readonly queryRunner?: unknown }).queryRunner !== undefined;
}

/** A PostgreSQL DataSource? Duck-typed, because `instanceof` fails across two installed copies of TypeORM. */
export function isDataSource(value: unknown): value is ShardDataSource {
  const candidate = value as Partial<ShardDataSource> | null | undefined;
  return (
    typeof candidate?.initialize === 'function' &&
    typeof candidate.query === 'function' &&
    typeof candidate.manager === 'object' &&
    candidate.options?.type === 'postgres'
  );
}
