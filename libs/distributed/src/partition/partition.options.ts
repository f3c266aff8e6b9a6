/** Options of the partition capability and what they mean once checked. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import { type EntityClass, isDataSource, type ShardDataSource } from './shard-data-source.js';
import { type SlotAssignment, SlotMap } from './slot-map.js';

/** A shard this library connects to and closes. */
export interface OwnedShardOptions {
  /** Name in the slot map, in logs and metrics. */
  readonly id: string;
  /** `postgres://…` */
  readonly url: string;
  /** Connections of this process to this shard. Default 5. */
  readonly pool?: number;
}

/** A shard whose TypeORM `DataSource` is the user's: opened, configured and closed by the user. */
export interface GivenShardOptions {
  readonly id: string;
  readonly dataSource: ShardDataSource;
}

/** `DistributedModule.forRoot({ partition: … })`. */
export interface PartitionModuleOptions {
  /** At least one. The order matters when `map` is left out. */
  readonly shards: readonly (OwnedShardOptions | GivenShardOptions)[];
  /** Entities of the DataSources made from `url`; their partitioned repositories can be injected. */
  readonly entities?: readonly EntityClass[];
  /**
   * Which shard owns which slot; must cover 0-16383 exactly once. Default: equal contiguous ranges
   * in the order of `shards`. Write it down before adding a shard: the default would re-route.
   */
  readonly map?: readonly SlotAssignment[];
  /**
   * How long opening a connection may take, and how long a statement may be silent before the server
   * is asked whether it is alive. Default `'2s'`. For `url` shards.
   */
  readonly connectTimeout?: Duration;
  /** How long a call may wait for one of the shard's connections. Default `'10s'`. For `url` shards. */
  readonly poolTimeout?: Duration;
  /** How long one statement may take on a live shard. Default `'30s'`. For `url` shards. */
  readonly queryTimeout?: Duration;
  /** How long calls to an unreachable shard are refused before one of them tries again. Default `'1s'`. */
  readonly retryAfter?: Duration;
}

/** The options, checked and with defaults. */
export interface PartitionSettings {
  readonly shards: readonly (Required<OwnedShardOptions> | GivenShardOptions)[];
  readonly entities: readonly EntityClass[];
  readonly map: SlotMap;
  readonly connectTimeoutMs: number;
  readonly poolTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly retryAfterMs: number;
}

const DEFAULT_POOL = 5;
const name = v.pipe(v.string(), v.nonEmpty('expected a non-empty string'));

const shardSchema = v.strictObject({
  id: name,
  url: v.optional(name),
  pool: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  dataSource: v.optional(
    v.custom<ShardDataSource>(isDataSource, 'expected a TypeORM DataSource of type postgres'),
  ),
});

const optionsSchema = v.strictObject({
  shards: v.pipe(v.array(shardSchema), v.minLength(1, 'expected at least one shard')),
  entities: v.optional(
    v.array(
      v.custom<EntityClass>((value) => typeof value === 'function', 'expected an entity class'),
    ),
    [],
  ),
  map: v.optional(
    v.array(
      v.strictObject({
        shard: name,
        slots: v.union([v.string(), v.array(v.tuple([v.number(), v.number()]))]),
      }),
    ),
  ),
  connectTimeout: v.optional(durationSchema, '2s'),
  poolTimeout: v.optional(durationSchema, '10s'),
  queryTimeout: v.optional(durationSchema, '30s'),
  retryAfter: v.optional(durationSchema, '1s'),
});

/**
 * Checks the options.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` with the path of the wrong field
 */
export function parsePartitionOptions(
  value: unknown,
  path = 'DistributedModule.forRoot().partition',
): PartitionSettings {
  const options = validateOptions(optionsSchema, value, path);
  const ids = options.shards.map((shard) => shard.id);
  const shards = options.shards.map((shard, index) => {
    const at = `${path}.shards.${index}`;
    if (ids.indexOf(shard.id) !== index)
      throw new InvalidOptionsError(`${at}.id`, `two shards are called '${shard.id}'`);
    return shardOf(shard, at);
  });
  if (options.entities.length === 0 && shards.some((shard) => 'url' in shard))
    throw new InvalidOptionsError(
      `${path}.entities`,
      'expected at least one entity for the shards given by url',
    );
  return {
    shards,
    entities: options.entities,
    map: options.map ? SlotMap.of(ids, options.map, `${path}.map`) : SlotMap.even(ids),
    connectTimeoutMs: options.connectTimeout,
    poolTimeoutMs: options.poolTimeout,
    queryTimeoutMs: options.queryTimeout,
    retryAfterMs: options.retryAfter,
  };
}

function shardOf(
  { id, url, pool, dataSource }: v.InferOutput<typeof shardSchema>,
  path: string,
): Required<OwnedShardOptions> | GivenShardOptions {
  if (url !== undefined && dataSource === undefined) return { id, url, pool: pool ?? DEFAULT_POOL };
  if (url !== undefined || dataSource === undefined)
    throw new InvalidOptionsError(path, 'expected either url or dataSource');
  if (pool !== undefined)
    throw new InvalidOptionsError(`${path}.pool`, 'the pool of a given dataSource is its own');
  return { id, dataSource };
}
