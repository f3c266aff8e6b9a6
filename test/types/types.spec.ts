/** Compiles the type tests: every `@ts-expect-error` must be an error, everything else must not. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

function diagnosticsOf(files: string[]): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.check.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  const program = ts.createProgram(files, config?.options ?? {});
  return ts
    .getPreEmitDiagnostics(program)
    .filter((diagnostic) => files.includes(diagnostic.file?.fileName ?? ''))
    .map((diagnostic) => {
      const line =
        diagnostic.file && diagnostic.start !== undefined
          ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line + 1
          : 0;
      return `${line}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
    });
}

describe('types', () => {
  const files = readdirSync(here).filter((file) => file.endsWith('.test-d.ts'));

  it.each(files)(
    '%s compiles exactly where it must',
    (file) => {
      expect(diagnosticsOf([join(here, file)])).toEqual([]);
    },
    60_000,
  );

  it('the check can fail: an unused expectation is reported', () => {
    const probe = join(here, 'probe.test-d.ts');
    const host = ts.createCompilerHost({});
    const text = '// @ts-expect-error nothing is wrong here\nexport const fine = 1;\n';
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, version) =>
      name === probe ? ts.createSourceFile(name, text, version) : getSourceFile(name, version);
    const program = ts.createProgram([probe], { noEmit: true, strict: true }, host);
    expect(ts.getPreEmitDiagnostics(program).map((diagnostic) => diagnostic.code)).toContain(2578);
  }, 60_000);
});
