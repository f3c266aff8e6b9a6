/** Runs the tortures of a room, and the mutations each of them must catch. */
import { LibraryMutant } from './library-mutant.js';
import type { TortureOptions } from './torture.options.js';
import { printReport, type TortureReport } from './table.reporter.js';
import type {
  Guard,
  Mutation,
  Torture,
  TortureOutcome,
  TortureRoom,
  TortureSettings,
} from './torture.js';

const LIBRARY = 'nestjs-distributed';
/** A mutation may need another draw of faults before it shows. */
const MUTATION_ATTEMPTS = 3;
/** In CI a mutation gets less time than the torture itself: it has more than one attempt. */
const CI_MUTATION_SHARE = 0.6;
/** Whatever happens inside, a run ends. */
const RUN_SLACK_MS = 90_000;
/** The same for a run that counts operations instead of seconds. */
const COUNTED_LIMIT_MS = 6 * 3_600_000;

/** What a run needs beside its torture. */
interface Job<G> {
  readonly ground: G;
  readonly torture: Torture<G>;
  readonly options: TortureOptions;
}

/** @throws TypeError for a torture that does not exist */
export async function runRoom<G extends AsyncDisposable>(
  room: TortureRoom<G>,
  options: TortureOptions,
): Promise<TortureReport[]> {
  const chosen = room.tortures.filter(
    ({ id }) => options.only.length === 0 || options.only.includes(id),
  );
  if (chosen.length === 0) throw new TypeError(`no such torture: ${options.only.join(', ')}`);
  await using ground = await room.open();
  const reports: TortureReport[] = [];
  const report = async (made: Promise<TortureReport>): Promise<void> => {
    const one = await made;
    printReport(one);
    reports.push(one);
  };
  const available: Torture<G>[] = [];
  for (const torture of chosen) {
    const { id, fault } = torture;
    if (!((await torture.available?.(ground, settingsOf(options))) ?? true)) {
      await report(Promise.resolve({ id, fault, seconds: 0, passed: !options.complete }));
      continue;
    }
    available.push(torture);
    if (!options.mutations) await report(runPlain({ ground, torture, options }));
  }
  if (!options.mutations && !options.ci) return reports;
  for (const torture of available) {
    for (const mutation of torture.mutations) {
      if (options.ci && mutation.slow) continue;
      const seconds = options.seconds * (options.ci ? CI_MUTATION_SHARE : 1);
      const shorter = { ...options, seconds, operations: undefined };
      await report(runMutation({ ground, torture, options: shorter }, mutation));
    }
  }
  return reports;
}

async function runPlain<G>({ ground, torture, options }: Job<G>): Promise<TortureReport> {
  const { id, fault } = torture;
  const started = performance.now();
  const outcome = await limited(torture.run(ground, settingsOf(options)), options);
  const seconds = (performance.now() - started) / 1_000;
  return { id, fault, seconds, outcome, passed: outcome.violations.length === 0 };
}

async function runMutation<G>(job: Job<G>, mutation: Mutation): Promise<TortureReport> {
  const { torture, options } = job;
  const { id, fault } = torture;
  const started = performance.now();
  let outcome: TortureOutcome | undefined;
  let passed = false;
  for (let attempt = 0; attempt < MUTATION_ATTEMPTS && !passed; attempt++) {
    outcome = await limited(mutated(job, mutation, attempt), options);
    passed = outcome.violations.some((violation) => mutation.caughtBy.test(violation));
  }
  const seconds = (performance.now() - started) / 1_000;
  return { id, fault, mutation: mutation.name, seconds, ...(outcome ? { outcome } : {}), passed };
}

async function mutated<G>(
  { ground, torture, options }: Job<G>,
  { edits, guard }: Mutation,
  attempt: number,
): Promise<TortureOutcome> {
  await using mutant = edits ? await LibraryMutant.create(edits) : undefined;
  const settings = settingsOf(options, { library: mutant?.module, guard });
  return await torture.run(ground, {
    ...settings,
    broken: true,
    seed: `${options.seed}-${attempt}`,
  });
}

function settingsOf(
  { seconds, seed, operations }: TortureOptions,
  changes: { library?: string | undefined; guard?: Guard | undefined } = {},
): TortureSettings {
  const { library = LIBRARY, guard = 'read-and-write' } = changes;
  return { seconds, seed, library, guard, operations };
}

/** A run that fails in itself is a failed run, and does not take the others with it. */
async function limited(
  run: Promise<TortureOutcome>,
  { seconds, operations }: TortureOptions,
): Promise<TortureOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const limitMs = operations === undefined ? seconds * 1_000 + RUN_SLACK_MS : COUNTED_LIMIT_MS;
    timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([run, late]);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { hangs: 0, unhandled: 0, notes: {}, violations: [`the run broke: ${text}`] };
  } finally {
    clearTimeout(timer);
  }
}
