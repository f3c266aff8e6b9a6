/** Isolation levels of PostgreSQL, weakest first. (Its READ UNCOMMITTED is READ COMMITTED.) */
export const ISOLATION_LEVELS = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;

/** An isolation level; the default is that of the DataSource, else of the server. */
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** The level PostgreSQL really applies for a name in any case. */
export function isolationLevel(name: string): IsolationLevel {
  const known = ISOLATION_LEVELS.find((level) => level === name.toUpperCase());
  return known ?? 'READ COMMITTED';
}

/** Whether a transaction at `held` promises at least what `wanted` promises. */
export function isAtLeast(held: IsolationLevel, wanted: IsolationLevel): boolean {
  return ISOLATION_LEVELS.indexOf(held) >= ISOLATION_LEVELS.indexOf(wanted);
}
