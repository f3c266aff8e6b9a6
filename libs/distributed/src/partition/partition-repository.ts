/**
 * A TypeORM `Repository` without a connection of its own: every call goes to the shard of the
 * current partition. All Repository methods work through `this.manager`, so one accessor is enough.
 */
import type { EntityPartition } from './entity-partition.js';
import type { PartitionScope } from './partition-scope.js';
import type { EntityClass } from './shard-data-source.js';
import type { SlotGuard } from './slot-guard.js';

type Method = (this: object, ...args: unknown[]) => unknown;
/** How the rows in the first argument of a method are treated before any SQL. */
type RowRule = 'admitNew' | 'admit' | 'verify';

/** Methods that return no promise; they throw where the others reject. */
const SYNCHRONOUS: ReadonlySet<string> = new Set([
  'constructor',
  'createQueryBuilder',
  'hasId',
  'getId',
  'create',
  'merge',
  'extend',
]);

const ROW_RULES: Readonly<Record<string, RowRule>> = {
  insert: 'admitNew',
  upsert: 'admitNew',
  save: 'admit',
  remove: 'verify',
  softRemove: 'verify',
  recover: 'verify',
};

/** What the repository is made of. */
export interface PartitionRepositoryParts {
  /** `Repository.prototype` of the installed TypeORM. */
  readonly prototype: object;
  readonly entity: EntityClass;
  readonly partition: EntityPartition;
  readonly scope: PartitionScope;
  readonly guard: SlotGuard;
}

/** Makes the repository; an `instanceof Repository`. */
export function createPartitionRepository(parts: PartitionRepositoryParts): object {
  const { prototype, entity, partition, scope } = parts;
  const what = `The repository of ${partition.entity}`;
  const repository = Object.create(prototype, {
    target: { value: entity, enumerable: true },
    manager: { get: () => scope.require(what).dataSource.manager },
    queryRunner: { value: undefined },
    // TypeORM's own extend() would capture the manager of one shard for ever.
    extend: { value: (customs: object) => extended(repository, customs) },
  }) as object;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    if (SYNCHRONOUS.has(name) || typeof method !== 'function') continue;
    const checkRows = rowCheck(parts, name, what);
    Object.defineProperty(repository, name, {
      // `async`: outside a partition the promise rejects, as a caller of find() expects.
      value: async function (this: object, ...args: unknown[]): Promise<unknown> {
        checkRows(args);
        return (method as Method).apply(this, args);
      },
    });
  }
  return repository;
}

function extended(repository: object, customs: object): object {
  const child = Object.create(repository) as Record<string, unknown>;
  for (const name in customs) child[name] = (customs as Record<string, unknown>)[name];
  return child;
}

function rowCheck(
  { partition, scope, guard }: PartitionRepositoryParts,
  name: string,
  what: string,
): (args: readonly unknown[]) => void {
  // update(criteria, values): the values must not move rows to another partition.
  const [rule, position] = name === 'update' ? (['verify', 1] as const) : [ROW_RULES[name], 0];
  return (args) => {
    const place = scope.require(what);
    if (!rule) return;
    const rows: unknown = args[position];
    for (const row of Array.isArray(rows) ? (rows as unknown[]) : [rows])
      if (typeof row === 'object' && row !== null) guard[rule](partition, row, place);
  };
}
