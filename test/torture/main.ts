/** `npm run test:torture -- ROOM`: faults with real processes, judged at the protected resource. */
import { writeFile } from 'node:fs/promises';
import { cacheRoom } from './cache/cache.room.js';
import { lockRoom } from './lock/lock.room.js';
import { table } from './table.reporter.js';
import { parseTortureOptions, type TortureOptions, USAGE } from './torture.options.js';
import { runRoom } from './torture-runner.js';

const ROOMS = {
  cache: (options: TortureOptions) => runRoom(cacheRoom, options),
  lock: (options: TortureOptions) => runRoom(lockRoom, options),
};
const COLUMNS = { cache: cacheRoom.columns, lock: lockRoom.columns };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let options: TortureOptions;
try {
  options = parseTortureOptions(process.argv.slice(2));
  if (!(options.room in ROOMS)) throw new TypeError(`no such room: ${options.room}`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}`);
  process.exit(2);
}

const { seed, json, seconds } = options;
process.stdout.write(`seed ${seed}, ${seconds} s each\n\n`);
const room = options.room as keyof typeof ROOMS;
const reports = await ROOMS[room](options);
if (!options.mutations) process.stdout.write(`\n${table(reports, COLUMNS[room])}\n`);
const failed = reports.filter(({ passed }) => !passed).length;
const skipped = reports.filter(({ outcome }) => !outcome).length;
const verdict = failed === 0 ? 'all as it must be' : `${failed} FAILED`;
process.stdout.write(
  `\n${reports.length} runs, ${verdict}${skipped > 0 ? `, ${skipped} not available` : ''}; ` +
    `repeat with --seed ${seed}\n`,
);
if (json) await writeFile(json, `${JSON.stringify({ ...options, reports }, null, 2)}\n`);
process.exitCode = failed === 0 ? 0 : 1;
