/** The command line. */
import { describe, expect, it } from '@jest/globals';
import { parseBenchOptions, usage, UsageError } from './bench.options.js';

describe('the command line of the bench', () => {
  const parse = (...args: string[]) => parseBenchOptions(args, ['lock', 'redis']);

  it('names a suite, and may choose parts, a file and severity', () => {
    expect(parse('lock')).toEqual({ suite: 'lock', json: undefined, only: [], assert: false });
    expect(parse('--only', 'a,b', 'redis', '--only', 'c', '--json', 'f', '--assert')).toEqual({
      suite: 'redis',
      json: 'f',
      only: ['a', 'b', 'c'],
      assert: true,
    });
  });

  it.each([[[]], [['cash']], [['lock', 'redis']], [['lock', '--josn', 'f']], [['lock', '--json']]])(
    'refuses %p',
    (args) => {
      expect(() => parse(...args)).toThrow(UsageError);
      expect(usage(['lock', 'redis'])).toContain('<lock | redis>');
    },
  );
});
