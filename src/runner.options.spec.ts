/** The command line. */
import { describe, expect, it } from '@jest/globals';
import { parseRunnerOptions } from './runner.options.js';

describe('parseRunnerOptions', () => {
  it('stays up, runs everything and writes nothing by default', () => {
    expect(parseRunnerOptions([])).toEqual({
      exit: false,
      report: undefined,
      scenarios: [],
      logs: undefined,
      help: false,
    });
  });

  it('reads every option', () => {
    const argv = '--exit --report out.json --scenario cache --scenario oversell --logs here';
    expect(parseRunnerOptions(argv.split(' '))).toMatchObject({
      exit: true,
      report: 'out.json',
      scenarios: ['cache', 'oversell'],
      logs: 'here',
    });
  });

  it('refuses what it does not know', () => {
    expect(() => parseRunnerOptions(['--exti'])).toThrow("Unknown option '--exti'");
  });
});
