/** `npm run bench -- <suite>`: measures ours beside its peers, in one run. */
import 'reflect-metadata';
import { runSuite, writeReport } from './bench-run.js';
import { type BenchOptions, parseBenchOptions, usage, UsageError } from './bench.options.js';
import { tableOf } from './harness/table.js';
import { verdictOf } from './harness/targets.js';
import { SUITES } from './suites/index.js';

/** Exit codes: 0, 1 for a target missed under `--assert`, 2 for a command line nobody understands. */
async function main(args: readonly string[]): Promise<number> {
  const names = Object.keys(SUITES);
  try {
    return await measure(parseBenchOptions(args, names));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage(names)}`);
    return 2;
  }
}

async function measure(options: BenchOptions): Promise<number> {
  const suite = await SUITES[options.suite]?.();
  if (!suite) return 2;
  const { targets } = suite;
  const report = await runSuite(suite, options.only);
  const { metrics, peers } = report;
  console.log(`\n${tableOf({ metrics, peers, targets })}\n`);
  if (options.json !== undefined) await writeReport(options.json, report);
  const missed = targets.filter((target) => verdictOf(target, metrics) === 'missed');
  const verdict = missed.length === 0 ? 'every target met' : `${missed.length} targets missed`;
  console.log(`  ${verdict} (of what was measured)`);
  return options.assert && missed.length > 0 ? 1 : 0;
}

// Not by itself: peers may leave timers behind.
process.exit(await main(process.argv.slice(2)));
