/** Reads the databases with plain SQL: the only witness that is believed about data. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Where the shop's data is. */
export interface DatabaseUrls {
  readonly inventory: string;
  readonly payments: string;
  /** Shard id → address. */
  readonly shards: Readonly<Record<string, string>>;
}

/** How long the databases must not change before they count as settled. */
const QUIET_MS = 400;
/** Give up waiting for quiet after this long and judge what is there. */
const SETTLE_LIMIT_MS = 15_000;

/** One short connection per question, so that a restarted server is no special case. */
export class Judge {
  readonly urls: DatabaseUrls;

  constructor(urls: DatabaseUrls) {
    this.urls = urls;
  }

  /** Runs one statement; `int8` (counts) arrives as a number. */
  async query<Row extends object>(
    url: string,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
      types,
    });
    // A server that is stopped on purpose breaks idle connections too: never a crash of ours.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Runs one statement on every shard and says which shard each row came from. */
  async queryShards<Row extends object>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<(Row & { shard: string })[]> {
    const perShard = await Promise.all(
      Object.entries(this.urls.shards).map(async ([shard, url]) =>
        (await this.query<Row>(url, sql, values)).map((row) => ({ ...row, shard })),
      ),
    );
    return perShard.flat();
  }

  /** Reads again and again until nothing changes any more: work may outlive its HTTP answer. */
  async settled<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    let last = await read();
    for (;;) {
      await delay(QUIET_MS, undefined, { signal });
      const next = await read();
      if (JSON.stringify(next) === JSON.stringify(last) || performance.now() > deadline)
        return next;
      last = next;
    }
  }
}

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
};
