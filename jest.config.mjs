// Jest runs ES modules and resolves workspace packages to their TypeScript source
// (the scoped "source" condition of their exports), so a test run needs no build of the library.
const base = {
  testEnvironment: 'node',
  testEnvironmentOptions: {
    customExportConditions: ['@nestjs-distributed/source', 'node', 'node-addons'],
  },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/libs/[^/]+/dist/',
    '<rootDir>/.cache',
    '<rootDir>/test/package/fixtures',
    '<rootDir>/test/bench/(dist|node_modules)/',
  ],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          target: 'es2022',
          keepClassNames: true,
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** @type {import('jest').Config} */
export default {
  testTimeout: 30_000,
  // Most specs wait for servers, not for the processor: two at a time, whatever the machine.
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{libs,apps}/*/src/**/*.spec.ts',
        '<rootDir>/{src,test/{bench/src,conformance,torture}}/**/*.spec.ts',
      ],
    },
    { ...base, displayName: 'types', testMatch: ['<rootDir>/test/types/**/*.spec.ts'] },
    { ...base, displayName: 'docs', testMatch: ['<rootDir>/test/docs/**/*.spec.ts'] },
    {
      ...base,
      displayName: 'package',
      testMatch: ['<rootDir>/test/package/**/*.spec.ts'],
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.e2e-spec.ts'] },
  ],
};
