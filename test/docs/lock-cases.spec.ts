/** The list of complaints about locks as a promise: each number has one test, which says what it catches. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SPECS = ['libs/distributed/src', 'test/conformance', 'test/e2e'];
const CASES = Array.from({ length: 37 }, (_, n) => n + 1);

/** Titles that begin with the number of a case, by number. */
function titlesByCase(sources: Iterable<string>): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const source of sources)
    for (const [, , title = '', number] of source.matchAll(/\(\s*(['"`])(C(\d+): .*?)\1,/g))
      found.set(Number(number), [...(found.get(Number(number)) ?? []), title]);
  return found;
}

function* specs(): Iterable<string> {
  for (const folder of SPECS)
    for (const file of readdirSync(join(root, folder), { recursive: true }))
      if (String(file).endsWith('spec.ts'))
        yield readFileSync(join(root, folder, String(file)), 'utf8');
}

describe('the cases C1 to C37', () => {
  const titles = titlesByCase(specs());

  it.each(CASES)('C%i has exactly one test, which names the naive code it catches', (number) => {
    expect(titles.get(number)).toEqual([expect.stringMatching(/\(mutations?: .+\)$/)]);
  });

  it('are all there are', () => {
    expect([...titles.keys()].toSorted((a, b) => a - b)).toEqual(CASES);
  });

  it('that are told twice, or not at all, are found', () => {
    const twice = titlesByCase([`it('C1: a', x); it.each(y)(\n  "C1: it's b",`, 'it(`C2: c`, z)']);
    expect([...twice]).toEqual([
      [1, ['C1: a', "C1: it's b"]],
      [2, ['C2: c']],
    ]);
  });
});
