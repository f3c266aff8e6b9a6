/** What INFO tells of a server, as far as locks care. */

/** Scripts that read the clock and write afterwards are replicated by their effects since then. */
export const OLDEST_REDIS = '5.0.0';

/** One server. */
export interface RedisServerFacts {
  /** Of Redis, also where the server is a Valkey. */
  readonly version: string | undefined;
  readonly clustered: boolean;
  /** Why keys may vanish, as `maxmemory-policy` calls it; undefined when they do not. */
  readonly evicts: string | undefined;
  /** Replicas that follow it now; undefined when it does not tell. */
  readonly replicas: number | undefined;
}

/** Reads the reply of INFO; managed servers leave parts of it out. */
export function readServerFacts(info: string): RedisServerFacts {
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : [];
    }),
  );
  const policy = fields.get('maxmemory_policy') ?? 'noeviction';
  const limited = Number(fields.get('maxmemory') ?? 0) > 0;
  const replicas = fields.get('connected_slaves');
  return {
    version: fields.get('redis_version'),
    clustered: fields.get('redis_mode') === 'cluster' || fields.get('cluster_enabled') === '1',
    evicts: limited && policy !== 'noeviction' ? policy : undefined,
    replicas: replicas === undefined ? undefined : Number(replicas),
  };
}

/** Whether `version` is at least `oldest`; one that cannot be read is not refused. */
export function isRecent(version: string, oldest = OLDEST_REDIS): boolean {
  const [have, need] = [version, oldest].map((text) => text.split('.').map(Number));
  for (const [index, part] of (need ?? []).entries()) {
    const own = have?.[index] ?? 0;
    if (Number.isNaN(own) || own > part) return true;
    if (own < part) return false;
  }
  return true;
}
