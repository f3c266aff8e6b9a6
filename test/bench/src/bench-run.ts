/** Runs a suite: its parts one after the other on one Redis, figures merged by competitor. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from './bench.options.js';
import { type Figures, merged } from './harness/figures.js';
import { describeMachine, type Machine } from './harness/machine.js';
import { startRedis } from './harness/servers.js';
import type { Bench, Suite } from './suite.js';

/** The result of a run, as it is written to a file. */
export interface BenchReport {
  readonly suite: string;
  readonly machine: Machine;
  readonly metrics: Figures;
  readonly peers: Readonly<Record<string, Figures>>;
}

/** @throws UsageError for a part the suite does not have */
export async function runSuite(suite: Suite, only: readonly string[]): Promise<BenchReport> {
  const unknown = only.find((name) => !suite.parts.some((part) => part.name === name));
  if (unknown !== undefined) {
    const known = suite.parts.map((part) => part.name).join(', ');
    throw new UsageError(`${suite.name} has no part ${unknown}; it has ${known}.`);
  }
  const { server: redis, version } = await startRedis();
  const machine = describeMachine(version);
  const all: Record<string, Figures> = {};
  try {
    for (const part of suite.parts) {
      if (only.length > 0 && !only.includes(part.name)) continue;
      const startedAt = performance.now();
      const note = (text: string): void => console.log(`  ${part.name}: ${text}`);
      const bench: Bench = { redis, note };
      for (const [name, figures] of Object.entries(await part.run(bench)))
        all[name] = merged(all[name] ?? {}, figures);
      note(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
    }
  } finally {
    await redis.stop();
  }
  const { ours = {}, ...peers } = all;
  return { suite: suite.name, machine, metrics: ours, peers };
}

/** Writes the report where the user said. */
export async function writeReport(file: string, report: BenchReport): Promise<void> {
  const path = resolve(file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
}
