// Breaks each import rule of ARCHITECTURE.md on purpose, in a throw-away file, and expects
// `npm run arch` to notice: a rule that cannot fail protects nothing.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LIB = 'libs/distributed/src';

const MUTATIONS = [
  ['siblings-never-import-each-other', `${LIB}/lock/mutation.ts`, '../cache/index.js'],
  ['level-1-stands-on-the-ground-floor', `${LIB}/cache/mutation.ts`, '../distributed.module.js'],
  ['ground-floor-knows-no-capability', `${LIB}/redis/mutation.ts`, '../lock/index.js'],
  ['kernel-knows-no-redis', `${LIB}/aspects/mutation.ts`, '../redis/index.js'],
  ['nothing-imports-testing', `${LIB}/resilience/mutation.ts`, '../testing/index.js'],
  ['nothing-imports-tests', `${LIB}/lock/mutation.ts`, '../../../../test/support/redis.fixture.js'],
  ['typeorm-only-where-rows-are', `${LIB}/lock/mutation.ts`, 'typeorm'],
  ['ioredis-only-in-adapters', `${LIB}/cache/mutation.ts`, 'ioredis'],
  [
    'deep-nest-imports-in-one-file',
    `${LIB}/aspects/mutation.ts`,
    '@nestjs/core/injector/module.js',
  ],
  [
    'apps-use-public-entries',
    'apps/orders/src/mutation.ts',
    '../../../libs/distributed/src/lock/lock.service.js',
  ],
  [
    'bench-uses-public-entries',
    'test/bench/src/mutation.ts',
    '../../../libs/distributed/src/lock/lock.service.js',
  ],
  ['contracts-are-plain', 'libs/contracts/src/mutation.ts', 'nestjs-distributed'],
  ['library-knows-no-demo', `${LIB}/lock/mutation.ts`, '@shop/contracts'],
  ['resolvable', `${LIB}/lock/mutation.ts`, './nowhere.js'],
];

let missed = 0;
for (const [rule, file, target] of MUTATIONS) {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import * as mutation from '${target}';\nexport const used = mutation;\n`);
  try {
    const result = spawnSync('npm', ['run', '--silent', 'arch'], { cwd: root, encoding: 'utf8' });
    const caught = result.status !== 0 && result.stdout.includes(`error ${rule}: ${file}`);
    process.stdout.write(`${caught ? 'caught' : 'MISSED'}  ${rule}: ${file} → ${target}\n`);
    if (!caught) missed += 1;
  } finally {
    rmSync(path, { force: true });
  }
}
process.exitCode = missed === 0 ? 0 : 1;
