/** The command line of `npm run test:torture`. */
import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface TortureOptions {
  readonly room: string;
  /** Load of each torture. */
  readonly seconds: number;
  /** The cache's load runs until so many operations are done instead. */
  readonly operations?: number | undefined;
  /** Ids of the tortures to run; all when empty. */
  readonly only: readonly string[];
  readonly seed: string;
  /** File that receives the figures. */
  readonly json?: string | undefined;
  /** Run the mutations instead, each of which must be caught. */
  readonly mutations: boolean;
  /** A torture the library cannot take yet counts as a failure. */
  readonly complete: boolean;
  /** The lane of CI: everything shortly, then the mutations that are cheap. */
  readonly ci: boolean;
}

/** What a wrong command line prints. */
export const USAGE = `usage: npm run test:torture -- ROOM [options]

  ROOM            lock | cache
  --seconds N     load of each torture (default 20, in CI 3)
  --ops N         until so many operations are done instead (cache)
  --only T2,T5    these tortures only; may be repeated
  --seed TEXT     repeat the faults of the run that printed it
  --json FILE     write the figures
  --mutations     break the library on purpose: each break must be caught
  --complete      fail when the library lacks what a torture needs
  --ci            everything shortly, then the cheap mutations
`;

const SECONDS = 20;
const SHORT_SECONDS = 3;

/**
 * Reads the arguments after the program's name.
 * @throws TypeError for what it does not understand
 */
export function parseTortureOptions(argv: readonly string[]): TortureOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      ops: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      json: { type: 'string' },
      mutations: { type: 'boolean', default: false },
      complete: { type: 'boolean', default: false },
      ci: { type: 'boolean', default: false },
    },
  });
  const [room, ...rest] = positionals;
  if (!room || rest.length > 0) throw new TypeError('name one room');
  const short = values.ci || values.mutations;
  const seconds = Number(values.seconds ?? (short ? SHORT_SECONDS : SECONDS));
  if (!(seconds > 0)) throw new TypeError(`--seconds must be a positive number`);
  const operations = values.ops === undefined ? undefined : Number(values.ops);
  if (operations !== undefined && !(operations > 0))
    throw new TypeError(`--ops must be a positive number`);
  return {
    room,
    seconds,
    operations,
    only: values.only.flatMap((ids) => ids.split(',')).map((id) => id.toUpperCase()),
    seed: values.seed ?? Math.random().toString(36).slice(2, 10),
    json: values.json,
    mutations: values.mutations,
    complete: values.complete,
    ci: values.ci,
  };
}
