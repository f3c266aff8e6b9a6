/** `npm run test:torture -- ROOM`: faults with real processes, judged at the protected resource. */
import { writeFile } from 'node:fs/promises';
import { lockRoom } from './lock/lock.room.js';
import { table } from './table.reporter.js';
import { parseTortureOptions, type TortureOptions, USAGE } from './torture.options.js';
import { runRoom } from './torture-runner.js';

const ROOMS = { lock: lockRoom };

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
const reports = await runRoom(ROOMS[options.room as keyof typeof ROOMS], options);
if (!options.mutations) process.stdout.write(`\n${table(reports)}\n`);
const failed = reports.filter(({ passed }) => !passed).length;
const skipped = reports.filter(({ outcome }) => !outcome).length;
const verdict = failed === 0 ? 'all as it must be' : `${failed} FAILED`;
process.stdout.write(
  `\n${reports.length} runs, ${verdict}${skipped > 0 ? `, ${skipped} not available` : ''}; ` +
    `repeat with --seed ${seed}\n`,
);
if (json) await writeFile(json, `${JSON.stringify({ ...options, reports }, null, 2)}\n`);
process.exitCode = failed === 0 ? 0 : 1;
