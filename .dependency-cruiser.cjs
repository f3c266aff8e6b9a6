/**
 * The architecture, executable: who may import whom (ARCHITECTURE.md). Run by `npm run arch`.
 * A rule's comment says what to do instead.
 */
const LIB = '^libs/distributed/src';
const LEVEL_1 = ['lock', 'cache', 'transaction', 'partition', 'resilience', 'messaging'];
const ROOMS = LEVEL_1.join('|');
/** Specs may reach further than the code they test. */
const SPEC = '\\.(spec|e2e-spec|test-d)\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Data flows one way: decorator → aspect → service → port ← adapter.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file nobody imports is dead: delete it or wire it.',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          SPEC,
          '(^|/)(main|migrate|data-source)\\.ts$',
          '\\.d\\.ts$',
          '^test/',
          '(^|/)index\\.ts$',
        ],
      },
      to: {},
    },
    {
      name: 'siblings-never-import-each-other',
      comment:
        'What one capability needs of another is a port it declares itself; distributed.module.ts wires it.',
      severity: 'error',
      from: { path: `${LIB}/(${ROOMS})/` },
      to: { path: `${LIB}/(${ROOMS})/`, pathNot: `${LIB}/$1/` },
    },
    {
      name: 'level-1-stands-on-the-ground-floor',
      comment:
        'A capability imports aspects, redis, time and the distributed.{errors,events,tokens,validation} files only.',
      severity: 'error',
      from: { path: `${LIB}/(${ROOMS})/`, pathNot: SPEC },
      to: {
        path: LIB,
        pathNot: [
          `${LIB}/(aspects|redis|time)/`,
          `${LIB}/distributed\\.(errors|events|tokens|validation)\\.ts$`,
          `${LIB}/$1/`,
        ],
      },
    },
    {
      name: 'ground-floor-knows-no-capability',
      comment:
        'aspects, redis and time know only the shared error, token and validation files, and time.',
      severity: 'error',
      from: { path: `${LIB}/(aspects|redis|time)/`, pathNot: SPEC },
      to: {
        path: LIB,
        pathNot: [
          `${LIB}/$1/`,
          `${LIB}/time/`,
          `${LIB}/distributed\\.(errors|events|tokens|validation)\\.ts$`,
        ],
      },
    },
    {
      name: 'kernel-knows-no-redis',
      comment: 'The kernel weaves methods; it talks to no server.',
      severity: 'error',
      from: { path: `${LIB}/aspects/`, pathNot: SPEC },
      to: { path: `${LIB}/redis/` },
    },
    {
      name: 'nothing-imports-testing',
      comment: 'Testing exports are for users and specs; product code never needs them.',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: [SPEC, `${LIB}/testing/`] },
      to: { path: `${LIB}/testing/` },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'Code under test/ and specs are leaves.',
      severity: 'error',
      from: { path: '^(libs|apps|src)/', pathNot: SPEC },
      to: { path: ['^test/', SPEC] },
    },
    {
      name: 'typeorm-only-where-rows-are',
      comment: 'typeorm is an optional peer: transaction, partition and saga alone may know it.',
      severity: 'error',
      from: { path: LIB, pathNot: [`${LIB}/(transaction|partition|saga)/`, SPEC] },
      to: { path: '(^|/)node_modules/(typeorm|@nestjs/typeorm|pg)/' },
    },
    {
      name: 'ioredis-only-in-adapters',
      comment: 'Talk to Redis through RedisConnection, or in a redis-*.store.ts adapter.',
      severity: 'error',
      from: { path: LIB, pathNot: [`${LIB}/redis/`, '/redis-[^/]+\\.store\\.ts$', SPEC] },
      to: { path: '(^|/)node_modules/ioredis/' },
    },
    {
      name: 'deep-nest-imports-in-one-file',
      comment: 'Deep @nestjs paths move between majors: keep them in nest-internals.ts.',
      severity: 'error',
      from: { path: LIB, pathNot: 'nest-internals\\.ts$' },
      to: { path: '(^|/)node_modules/@nestjs/(core|common|microservices)/.+/' },
    },
    {
      name: 'apps-use-public-entries',
      comment: 'Apps import nestjs-distributed by name, never its files.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: {
        path: ['^libs/[^/]+/src/.+/(?!index\\.ts)[^/]+$', '^apps/', '^src/'],
        pathNot: ['^apps/$1/', `${LIB}/testing/pass-through\\.ts$`],
      },
    },
    {
      name: 'bench-uses-public-entries',
      comment: 'What users cannot call is not worth measuring.',
      severity: 'error',
      from: { path: '^test/bench/' },
      to: {
        path: '^libs/[^/]+/src/',
        pathNot: [`${LIB}/index\\.ts$`, `${LIB}/[^/]+/index\\.ts$`],
      },
    },
    {
      name: 'contracts-are-plain',
      comment: 'Contracts know neither apps nor the runner nor the library.',
      severity: 'error',
      from: { path: '^libs/contracts/', pathNot: SPEC },
      to: { path: ['^apps/', '^src/', LIB] },
    },
    {
      name: 'library-knows-no-demo',
      comment: 'The product stands alone.',
      severity: 'error',
      from: { path: LIB },
      to: { path: ['^apps/', '^libs/contracts/', '^src/'] },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'Add the package to the package.json that uses it.',
      severity: 'error',
      from: { pathNot: SPEC },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'resolvable',
      comment: 'An import must lead somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)(dist|fixtures)/', '^test/bench/node_modules/'] },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@nestjs-distributed/source', 'import', 'types', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
