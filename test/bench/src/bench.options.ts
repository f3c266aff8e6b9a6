/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

/** What to do. */
export interface BenchOptions {
  readonly suite: string;
  /** Where to write the figures as JSON. */
  readonly json: string | undefined;
  /** Names of parts; empty: all. */
  readonly only: readonly string[];
  /** Whether a missed target is a failure. */
  readonly assert: boolean;
}

/** A command line nobody understands. */
export class UsageError extends Error {}

/** What people get to read when they ask for something else. */
export function usage(suites: readonly string[]): string {
  return `usage: npm run bench -- <${suites.join(' | ')}> [--json FILE] [--only PART[,PART]] [--assert]`;
}

/** @throws UsageError for an unknown suite or option */
export function parseBenchOptions(
  args: readonly string[],
  suites: readonly string[],
): BenchOptions {
  const { values, positionals } = parsed(args);
  const [suite, ...rest] = positionals;
  if (suite === undefined) throw new UsageError('Name a suite.');
  if (!suites.includes(suite)) throw new UsageError(`There is no suite ${suite}.`);
  if (rest.length > 0) throw new UsageError(`One suite at a time, not also ${rest.join(' ')}.`);
  const only = values.only.flatMap((names) => names.split(','));
  return { suite, json: values.json, only, assert: values.assert };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        assert: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
