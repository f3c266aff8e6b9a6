/** R1: counters and their journal in PostgreSQL. */
import pg from 'pg';
import type { Guard } from '../torture.js';
import { type JournalEntry, type Reading, Resource, type Visit, type Writing } from './resource.js';

/** The guard is the comparison of `fence`; the row locks only put the journal in order. */
const SCHEMA = `
CREATE TABLE counters (
  key text, guarded boolean, value bigint NOT NULL DEFAULT 0, fence bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (key, guarded)
);
CREATE TABLE journal (
  seq bigserial PRIMARY KEY, key text, guarded boolean, kind text, process text, operation bigint,
  fence bigint, value bigint, invoked double precision, granted double precision
);
CREATE FUNCTION enter(
  k text, f bigint, p text, o bigint, i double precision, g double precision, advance boolean,
  OUT guarded_value bigint, OUT plain_value bigint
) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO counters (key, guarded) VALUES (k, true), (k, false) ON CONFLICT DO NOTHING;
  PERFORM FROM counters WHERE key = k ORDER BY guarded FOR UPDATE;
  IF advance THEN
    UPDATE counters SET fence = f WHERE key = k AND guarded AND fence <= f
      RETURNING value INTO guarded_value;
  ELSE
    SELECT value INTO guarded_value FROM counters WHERE key = k AND guarded;
  END IF;
  SELECT value INTO plain_value FROM counters WHERE key = k AND NOT guarded;
  INSERT INTO journal (key, guarded, kind, process, operation, fence, value, invoked, granted) VALUES
    (k, true, CASE WHEN guarded_value IS NULL THEN 'refused-read' ELSE 'read' END,
      p, o, f, guarded_value, i, g),
    (k, false, 'read', p, o, f, plain_value, i, g);
END $$;
CREATE FUNCTION leave(
  k text, f bigint, p text, o bigint, i double precision, g double precision,
  guarded_value bigint, plain_value bigint, OUT written boolean
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM counters WHERE key = k ORDER BY guarded FOR UPDATE;
  written := false;
  IF guarded_value IS NOT NULL THEN
    UPDATE counters SET value = guarded_value, fence = f WHERE key = k AND guarded AND fence <= f;
    written := FOUND;
    INSERT INTO journal (key, guarded, kind, process, operation, fence, value, invoked, granted)
      VALUES (k, true, CASE WHEN written THEN 'write' ELSE 'refused-write' END,
        p, o, f, guarded_value, i, g);
  END IF;
  UPDATE counters SET value = plain_value WHERE key = k AND NOT guarded;
  INSERT INTO journal (key, guarded, kind, process, operation, fence, value, invoked, granted)
    VALUES (k, false, 'write', p, o, f, plain_value, i, g);
END $$;
`;

/** One pool of connections per process. */
export class SqlResource extends Resource {
  readonly #pool: pg.Pool;

  constructor(url: string, guard: Guard) {
    super(guard);
    this.#pool = new pg.Pool({ connectionString: url, max: 8 });
    this.#pool.on('error', () => {});
  }

  /** Makes the tables, once per server. */
  async prepare(): Promise<void> {
    await this.#pool.query(SCHEMA);
  }

  async enter(visit: Visit): Promise<Reading> {
    const { rows } = await this.#pool.query<{ guarded_value: string | null; plain_value: string }>({
      name: 'enter',
      text: 'SELECT * FROM enter($1, $2, $3, $4, $5, $6, $7)',
      values: [...columnsOf(visit), this.guard === 'read-and-write'],
    });
    const [row] = rows;
    if (!row) throw new Error('enter() returned nothing');
    const guarded = row.guarded_value === null ? null : Number(row.guarded_value);
    return { guarded, plain: Number(row.plain_value) };
  }

  async leave(visit: Visit, reading: Reading): Promise<Writing> {
    const guarded = reading.guarded === null ? null : reading.guarded + 1;
    const { rows } = await this.#pool.query<{ written: boolean }>({
      name: 'leave',
      text: 'SELECT leave($1, $2, $3, $4, $5, $6, $7, $8) AS written',
      values: [...columnsOf(visit), guarded, reading.plain + 1],
    });
    return { guarded: rows[0]?.written ? 'written' : 'refused' };
  }

  async journal(): Promise<JournalEntry[]> {
    const { rows } = await this.#pool.query<Record<string, string | boolean | number>>(
      'SELECT * FROM journal ORDER BY seq',
    );
    return rows.map((row) => ({
      key: String(row['key']),
      guarded: row['guarded'] === true,
      kind: row['kind'] as JournalEntry['kind'],
      process: String(row['process']),
      operation: Number(row['operation']),
      fence: Number(row['fence']),
      value: Number(row['value']),
      invokedAt: Number(row['invoked']),
      grantedAt: Number(row['granted']),
    }));
  }

  async clear(): Promise<void> {
    await this.#pool.query('TRUNCATE counters, journal RESTART IDENTITY');
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function columnsOf(visit: Visit): (string | number)[] {
  const { key, fence, process, operation, invokedAt, grantedAt } = visit;
  return [key, fence, process, operation, invokedAt, grantedAt];
}
