/** The documentation as code: snippets compile, relative links lead somewhere. */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Fenced TypeScript blocks; a word after `ts` names the block. */
function snippets(markdown: string): { name: string; code: string }[] {
  return [...markdown.matchAll(/^```ts *([\w-]*)\n(.*?)^```/gms)].map(([, name, code], index) => ({
    name: name || `block ${index + 1}`,
    code: code ?? '',
  }));
}

/** Methods shown without their class get one; the rest of what they use is declared around them. */
function wholeFile(code: string): string {
  if (/^import /m.test(code)) return code;
  return `import { Body, Controller, ConflictException, Get, Injectable, Param, Post } from '@nestjs/common';
import { type Repository } from 'typeorm';
import * as library from 'nestjs-distributed';
const { CacheEvict, Cached, DistributedLock, Transactional } = library;
class Purchase { id: string; }
export const used = [Body, Controller, ConflictException, Get, Injectable, Param, Post, CacheEvict, Cached, DistributedLock, Transactional];
export class Example {
  declare products: Repository<{ sku: string; stock: number }>;
  declare purchases: Repository<{ id: string; sku: string }>;
${code}
}
`;
}

function problems(code: string): string[] {
  const file = join(root, 'test/docs/snippet.ts');
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.check.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: () => {},
    },
  );
  const options = config?.options ?? {};
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (name) => name === file || ts.sys.fileExists(name);
  host.getSourceFile = (name, settings, ...rest) =>
    name === file
      ? ts.createSourceFile(name, code, settings)
      : getSourceFile(name, settings, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

describe('README', () => {
  it.each(snippets(read('README.md')))(
    'snippet $name compiles',
    ({ code }) => {
      expect(problems(wholeFile(code))).toEqual([]);
    },
    60_000,
  );

  it('a snippet that does not compile is found', () => {
    expect(
      problems("import { Nothing } from 'nestjs-distributed';\nexport const x = Nothing;"),
    ).not.toEqual([]);
  }, 60_000);
});

describe('recipes', () => {
  // Pages whose snippets are whole files.
  const pages = ['leader', 'stampede', 'per-tenant-keys', 'after-commit-eviction'];
  const recipes = pages.flatMap((page) =>
    snippets(read(`docs/recipes/${page}.md`)).map(({ name, code }) => ({
      name: `${page}: ${name}`,
      code,
    })),
  );

  it.each(recipes)(
    'snippet $name compiles',
    ({ code }) => {
      expect(problems(code)).toEqual([]);
    },
    60_000,
  );
});

describe('links', () => {
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...readdirSync(join(root, 'docs'), { recursive: true })
      .filter((file) => String(file).endsWith('.md'))
      .map((file) => join('docs', String(file))),
  ];

  it.each(pages)('%s links to files that exist', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      (match) => match[1] as string,
    );
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});
