/** One run: load, faults, quiescence, verdict. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TortureOutcome, TortureSettings } from '../torture.js';
import { Arena } from './arena.js';
import type { CacheGround } from './cache-ground.js';
import type { Fault } from './faults.js';
import { BUS_HEARTBEAT_MS, BUS_TIMEOUT_MS } from './our-subject.js';
import { KEYS } from './terrain.js';
import type { SubjectName } from './worker-contract.js';

const COLLECT_EVERY_MS = 500;
const SETTLE_MS = 15_000;
/** A broken library gets so much more time, of which it seldom needs much. */
const BROKEN_FACTOR = 4;

/** What kind of run. */
export interface RunOptions {
  readonly subject: SubjectName;
  /** Share of operations that change the database and invalidate. */
  readonly writes: number;
  /** By name; none: only the races of the processes themselves. */
  readonly faults: Readonly<Record<string, Fault>>;
}

/** Figures of this room. */
export interface CacheOutcome extends TortureOutcome {
  readonly operations: number;
  readonly acknowledged: number;
  readonly unconfirmed: number;
  /** Reads of a version that nobody may read any more. */
  readonly stale: number;
  /** Entries that differ from the database when all is quiet. */
  readonly diverged: number;
  readonly faults: number;
}

/** @returns everything that was seen; whether that is a violation, the subject decides */
export async function runLoad(
  ground: CacheGround,
  settings: TortureSettings,
  { subject, writes, faults }: RunOptions,
): Promise<CacheOutcome> {
  await using arena = await Arena.open(ground, settings, subject);
  await arena.startLoad(writes);
  const counts = await disturbed(arena, settings, faults);
  const ends = await Promise.all(arena.processes.map((one) => one.call('stopLoad')));
  await arena.collect();
  const settled = await Promise.all(arena.processes.map((one) => one.call('settle', SETTLE_MS)));
  // A message of the last invalidation may be on its way, and a gap shows with the next heartbeat.
  await delay(BUS_TIMEOUT_MS + 2 * BUS_HEARTBEAT_MS);
  const rows = await arena.database.versions(KEYS);
  let diverged = 0;
  let unanswered = 0;
  const examples: string[] = [];
  for (const one of arena.processes) {
    const versions = await one.call('readAll', KEYS);
    unanswered += versions.filter((version) => version === null).length;
    const wrong = rows.flatMap((row, key) => ((versions[key] ?? row) === row ? [] : [key]));
    diverged += wrong.length;
    const [key] = wrong;
    if (key !== undefined)
      examples.push(
        `at rest ${one.name} reads ${versions[key]} of key ${key}, the row is ${rows[key]}`,
      );
  }
  const { stale, worstLagMs, examples: read } = arena.judge.judge(BUS_TIMEOUT_MS);
  const { operations, acknowledged, unconfirmed, unhandled } = arena;
  const unexpected = ends.flatMap((end) => end.unexpected);
  const hangs =
    ends.reduce((sum, end) => sum + end.hangs, 0) + settled.filter((ok) => !ok).length + unanswered;
  return {
    operations,
    acknowledged,
    unconfirmed,
    stale,
    diverged,
    faults: Object.values(counts).reduce((sum, count) => sum + count, 0),
    hangs,
    unhandled: unhandled.length,
    notes: { ...counts, 'worst lag of another process, ms': Math.round(worstLagMs) },
    violations: [
      ...(acknowledged === 0 ? ['nothing was acknowledged'] : []),
      ...(stale > 0 ? [`${stale} stale reads`, ...read] : []),
      ...(diverged > 0
        ? [`${diverged} entries differ from the database at rest`, ...examples]
        : []),
      ...(hangs > 0 ? [`${hangs} operations hung`] : []),
      ...unhandled.slice(0, 3),
      ...(unexpected.length > 0
        ? [`${unexpected.length} unexpected errors: ${unexpected[0]}`]
        : []),
    ],
  };
}

/** Faults one after the other while the run lasts; each is counted, and over at the end. */
async function disturbed(
  arena: Arena,
  { seconds, operations = 0, broken = false }: TortureSettings,
  faults: Readonly<Record<string, Fault>>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const names = Object.keys(faults);
  const { redis, processes, messages, random } = arena;
  const endsAt = performance.now() + seconds * 1_000 * (broken ? BROKEN_FACTOR : 1);
  let shown = false;
  const goesOn = (): boolean =>
    !shown && (operations > 0 ? arena.operations < operations : performance.now() < endsAt);
  const disturbing = async (): Promise<void> => {
    while (names.length > 0 && goesOn()) {
      await delay(random.between(20, 250));
      const name = random.pick(names);
      await faults[name]?.({ redis, processes, messages, random });
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
  const collecting = async (): Promise<void> => {
    while (goesOn()) {
      await delay(Math.min(COLLECT_EVERY_MS, Math.max(10, endsAt - performance.now())));
      await arena.collect();
      shown = broken && arena.judge.judge(BUS_TIMEOUT_MS).stale > 0;
    }
  };
  await Promise.all([disturbing(), collecting()]);
  return counts;
}
