/** The command line of `npm start`. */
import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface RunnerOptions {
  /** End after the scenarios instead of staying up. */
  readonly exit: boolean;
  /** File that receives the facts as JSON; relative to the current folder. */
  readonly report?: string;
  /** Names of the scenarios to run; all of them when empty. */
  readonly scenarios: readonly string[];
  /** Folder that keeps the output of each process; without it the logs go with the run. */
  readonly logs?: string;
  /** Print the usage and do nothing else. */
  readonly help: boolean;
}

/** What `--help` prints. */
export const USAGE = `usage: npm start -- [options]

  --exit             end after the scenarios; code 0 only if every protected run was clean
  --report FILE      write the facts as JSON
  --scenario NAME    run this scenario only; may be repeated
  --logs DIR         keep the output of each process in DIR
  --help             print this

environment: REDIS_URL, DATABASE_URLS (one or two PostgreSQL addresses, separated by commas);
without them real servers are started on free ports and removed with the run.
`;

/** DI token of the options. */
export const RUNNER_OPTIONS = Symbol('runner options');

/**
 * Reads the arguments after the program's name.
 * @throws TypeError for an unknown option
 */
export function parseRunnerOptions(argv: readonly string[]): RunnerOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      exit: { type: 'boolean', default: false },
      report: { type: 'string' },
      scenario: { type: 'string', multiple: true, default: [] },
      logs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    exit: values.exit,
    report: values.report,
    scenarios: values.scenario,
    logs: values.logs,
    help: values.help,
  };
}
