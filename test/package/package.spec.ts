/** The published package: packed, installed beside Nest 12 (ESM) and Nest 11 (CJS), and run. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { startRedis } from '../support/redis.fixture.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const library = join(root, 'libs/distributed');
const run = promisify(execFile);

interface Manifest {
  name: string;
  exports: Record<string, string | Record<string, string>>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}
const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as Manifest;
const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
const optionalPeers = Object.keys(manifest.peerDependenciesMeta);

let work: string;
let tarball: string;
let redis: Awaited<ReturnType<typeof startRedis>>;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'nestjs-distributed-package-'));
  redis = await startRedis();
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', work], {
    cwd: library,
    encoding: 'utf8',
  });
  tarball = join(work, (JSON.parse(packed) as [{ filename: string }])[0].filename);
}, 60_000);

afterAll(async () => {
  await redis?.stop();
  rmSync(work, { recursive: true, force: true });
});

/** A fresh application folder with the tarball installed; optional peers are left out on purpose. */
async function install(name: string, nest: string, type: 'module' | 'commonjs'): Promise<string> {
  const folder = join(work, name);
  mkdirSync(folder);
  const dependencies = {
    '@nestjs/common': nest,
    '@nestjs/core': nest,
    ioredis: '^5.11.1',
    'nestjs-distributed': `file:${tarball}`,
    'reflect-metadata': '^0.2.2',
    rxjs: '^7.8.2',
  };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, private: true, type, dependencies }),
  );
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: folder,
  });
  return folder;
}

/** Compiles the fixture for the module system of the application and runs it. */
async function runApp(folder: string, module: 'es6' | 'commonjs'): Promise<unknown> {
  const { code } = transformSync(readFileSync(join(root, 'test/package/fixtures/app.ts'), 'utf8'), {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      target: 'es2022',
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: module },
  });
  writeFileSync(join(folder, 'app.js'), code);
  const { stdout } = await run(process.execPath, ['app.js'], {
    cwd: folder,
    env: { ...process.env, REDIS_URL: redis.url, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

const versionOf = (folder: string, name: string): string =>
  (
    JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
      version: string;
    }
  ).version;

const HEALTHY = { overlaps: 0, tokens: 3, fenced: true, aspects: ['lock'], service: 'function' };

describe('the packed library', () => {
  it('contains compiled code, types, Lua scripts and its licence terms, and no sources', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n');
    expect(files).toEqual(
      expect.arrayContaining([
        'package/dist/index.js',
        'package/dist/index.d.ts',
        'package/LICENSE',
        'package/README.md',
      ]),
    );
    const lua = (folder: string): string[] =>
      readdirSync(folder, { recursive: true })
        .map(String)
        .filter((file) => file.endsWith('.lua'))
        .toSorted();
    expect(lua(join(library, 'src')).length).toBeGreaterThan(0);
    expect(
      files
        .filter((file) => file.endsWith('.lua'))
        .map((file) => file.replace('package/dist/', ''))
        .toSorted(),
    ).toEqual(lua(join(library, 'src')));
    expect(files.filter((file) => /\/src\/|\.spec\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('runs in a Nest 12 ESM application, and every entry loads without the optional peers', async () => {
    const folder = await install('nest-12-esm', '^12.0.0', 'module');
    expect(versionOf(folder, '@nestjs/core')).toMatch(/^12\./);
    for (const peer of optionalPeers) expect(() => versionOf(folder, peer)).toThrow('ENOENT');
    expect(await runApp(folder, 'es6')).toEqual(HEALTHY);
    const imports = entries
      .map((entry) => `await import('${entry.replace('.', manifest.name)}');`)
      .join('\n');
    await run(process.execPath, ['--input-type=module', '-e', imports], { cwd: folder });
    expect(foreignTypes(folder)).toEqual([]);
  }, 180_000);

  it('runs in a Nest 11 CommonJS application', async () => {
    const folder = await install('nest-11-cjs', '^11.0.0', 'commonjs');
    expect(versionOf(folder, '@nestjs/core')).toMatch(/^11\./);
    expect(await runApp(folder, 'commonjs')).toEqual(HEALTHY);
  }, 180_000);

  it('the check of types can fail: a declaration that imports an optional peer is found', () => {
    const folder = join(work, 'leak');
    mkdirSync(join(folder, 'node_modules', manifest.name), { recursive: true });
    writeFileSync(
      join(folder, 'node_modules', manifest.name, 'package.json'),
      JSON.stringify({ name: manifest.name, type: 'module', types: './index.d.ts' }),
    );
    writeFileSync(
      join(folder, 'node_modules', manifest.name, 'index.d.ts'),
      "export declare const repository: import('typeorm').Repository<object>;\n",
    );
    expect(foreignTypes(folder, ['.'])).toEqual([expect.stringContaining('typeorm')]);
  });
});

/** Modules that the published declarations import and a user without optional peers does not have. */
function foreignTypes(folder: string, of = entries): string[] {
  const probe = join(folder, 'probe.ts');
  writeFileSync(
    probe,
    of
      .map(
        (entry, index) =>
          `import * as e${index} from '${entry.replace('.', manifest.name)}'; export { e${index} };`,
      )
      .join('\n'),
  );
  const program = ts.createProgram([probe], {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    experimentalDecorators: true,
    types: [],
  });
  return ts
    .getPreEmitDiagnostics(program)
    .filter(
      (diagnostic) =>
        diagnostic.code === 2307 &&
        /(nestjs-distributed|probe)/.test(diagnostic.file?.fileName.replace(work, '') ?? ''),
    )
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}
