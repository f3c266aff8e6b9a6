/**
 * Freezes a process that holds the lock of a flash sale and has not touched the data yet, until a
 * later holder has done its work.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LockState } from 'nestjs-distributed';
import type { Phase } from './scenario.js';

/** The replicas that sell. */
const REPLICAS = ['inventory-1', 'inventory-2'] as const;
/** Many times the length of a purchase: a lock that does not change hands meanwhile stands still. */
const STILL_MS = 80;
/** How long to wait until the replica has become the holder. */
const TURN_MS = 1_500;
const POLL_MS = 20;
/** Beyond the lease of the flash sale (1 s), and the time its next holder takes. */
const FREEZE_LIMIT_MS = 4_000;
/** How long to look for a holder that can be frozen. */
const HUNT_LIMIT_MS = 8_000;
/** Time for a thawed holder to meet the fence. */
const REFUSAL_MS = 400;

/** What a hunt found. */
export interface Hunt {
  /** Holders that stood still, before their transaction, until a later one had committed. */
  readonly frozenHolders: number;
  /** How often it was tried. */
  readonly attempts: number;
}

/**
 * Holds back what a replica sends to the database, so that it comes to a stop when it has the lock,
 * and then freezes it: its lease ends, somebody else takes the lock and commits. After that it goes
 * on as if no time had passed, and meets the fence. One that came to a stop inside of its transaction
 * is let go: it keeps the row of the fence, so that nobody passes it. Ends when the fence has refused
 * one, or when the time is over.
 */
export async function huntHolders(phase: Phase, sku: string): Promise<Hunt> {
  const deadline = performance.now() + HUNT_LIMIT_MS;
  let frozenHolders = 0;
  let attempts = 0;
  while (performance.now() < deadline) {
    const replica = REPLICAS[attempts++ % REPLICAS.length] as string;
    if (await freezeHolder(phase, sku, replica)) {
      frozenHolders++;
      await delay(REFUSAL_MS, undefined, { signal: phase.signal });
      if ((await refusals(phase, sku)) > 0) break;
    }
    // The replica catches up, and the next moment is another one.
    await delay(10 + Math.random() * 30, undefined, { signal: phase.signal });
  }
  return { frozenHolders, attempts };
}

/** Stops one replica for as long as a hunt keeps a holder; without locks there is none to look for. */
export async function freezeSeller({ cluster, signal }: Phase, ms: number): Promise<Hunt> {
  const replica = cluster.replica(REPLICAS[0]);
  replica.freeze();
  try {
    await delay(ms, undefined, { signal });
  } finally {
    replica.thaw();
  }
  return { frozenHolders: 0, attempts: 1 };
}

/** True when `name` was caught holding the lock and somebody else has worked under it meanwhile. */
async function freezeHolder(phase: Phase, sku: string, name: string): Promise<boolean> {
  const replica = phase.cluster.replica(name);
  replica.holdDatabase();
  try {
    const caught = await stuckHolder(phase, sku);
    if (!caught || (await hasEntered(phase, name))) return false;
    replica.freeze();
    return await isSucceeded(phase, sku, caught);
  } finally {
    await replica.releaseDatabase();
    replica.thaw();
  }
}

/** The holder whose lock does not change hands any more. */
async function stuckHolder({ locks, signal }: Phase, sku: string): Promise<LockState | undefined> {
  const deadline = performance.now() + TURN_MS;
  let holder = null as LockState | null;
  let since = performance.now();
  while (performance.now() < deadline) {
    const now = await locks.flashSale(sku);
    if (now?.owner !== holder?.owner) since = performance.now();
    holder = now;
    if (holder && performance.now() - since > STILL_MS) return holder;
    await delay(POLL_MS, undefined, { signal });
  }
  return undefined;
}

/** Waits until a later holder has committed; false when `caught` was alive all the time. */
async function isSucceeded(phase: Phase, sku: string, caught: LockState): Promise<boolean> {
  const deadline = performance.now() + FREEZE_LIMIT_MS;
  const frozen = await phase.locks.flashSale(sku);
  if (frozen?.owner !== caught.owner) return false;
  let lowestMs = frozen.remainingMs;
  while (performance.now() < deadline) {
    const holder = await phase.locks.flashSale(sku);
    if (holder?.owner === caught.owner) lowestMs = Math.min(lowestMs, holder.remainingMs);
    else if (await isSurpassed(phase, sku, caught.fencingToken))
      // A living holder renews its lease at two thirds: this one ran out.
      return lowestMs < frozen.remainingMs / 2;
    await delay(POLL_MS, undefined, { signal: phase.signal });
  }
  return false;
}

/** Whether a session of the replica is in a transaction and past its first statement. */
async function hasEntered({ judge }: Phase, replica: string): Promise<boolean> {
  const [row] = await judge.query<{ sessions: number }>(
    judge.urls.inventory,
    `SELECT count(*) AS sessions FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = $1
        AND xact_start IS NOT NULL AND query NOT LIKE 'START TRANSACTION%'`,
    [replica],
  );
  return (row?.sessions ?? 0) > 0;
}

/** Whether a holder with a larger token, those its process had in reserve included, has committed. */
async function isSurpassed({ judge }: Phase, sku: string, token: number): Promise<boolean> {
  const [row] = await judge.query<{ token: number }>(
    judge.urls.inventory,
    'SELECT token FROM lock_fences WHERE right(key, length($1)) = $1',
    [sku],
  );
  return (row?.token ?? 0) > token;
}

async function refusals({ judge }: Phase, sku: string): Promise<number> {
  const [row] = await judge.query<{ refused: number }>(
    judge.urls.inventory,
    'SELECT count(*) AS refused FROM late_holders WHERE right(lock_key, length($1)) = $1',
    [sku],
  );
  return row?.refused ?? 0;
}
