/** A judge that lets everybody go proves nothing. */
import { describe, expect, it } from '@jest/globals';
import { StalenessJudge } from './staleness-judge.js';
import { VersionLog } from './version-log.js';

const BOUND_MS = 100;

function verdict(...told: [process: string, acknowledged: number[], reads: number[]][]) {
  const judge = new StalenessJudge();
  for (const [process, acknowledged, reads] of told) judge.tell(process, { acknowledged, reads });
  return judge.judge(BOUND_MS);
}

describe('the judge of staleness', () => {
  it('forgives another process the bound, and no more', () => {
    const writes = [1, 5, 1_000];
    expect(verdict(['a', writes, []], ['b', [], [1, 4, 1_099]])).toMatchObject({
      stale: 0,
      worstLagMs: 99,
    });
    expect(verdict(['a', writes, []], ['b', [], [1, 4, 1_101]])).toMatchObject({ stale: 1 });
  });

  it('forgives the process that acknowledged nothing', () => {
    expect(verdict(['a', [1, 5, 1_000], [1, 4, 1_001]]).stale).toBe(1);
    expect(verdict(['a', [1, 5, 1_000], [1, 4, 999]]).stale).toBe(0);
  });

  // Catches looking at the next version alone: a later one may have been acknowledged before.
  it('takes the earliest acknowledgement of anything newer', () => {
    const writes = [1, 5, 5_000, 1, 6, 1_000];
    expect(verdict(['a', writes, []], ['b', [], [1, 4, 1_200]]).stale).toBe(1);
  });

  it('lets the newest version and other keys be', () => {
    expect(verdict(['a', [1, 5, 1_000], [1, 5, 9_000, 2, 1, 9_000, 1, 6, 9_000]]).stale).toBe(0);
  });
});

describe('the log of a process', () => {
  it('keeps the last read of each version between changes', () => {
    const log = new VersionLog();
    log.read(1, 4, 10);
    log.read(1, 4, 30);
    log.read(1, 4, 20);
    log.read(1, 5, 40);
    log.read(1, 4, 50);
    log.acknowledge(1, 6, 60);
    expect(log.drain()).toEqual({
      operations: 6,
      unconfirmed: 0,
      acknowledged: [1, 6, 60],
      reads: [1, 4, 30, 1, 5, 40, 1, 4, 50],
    });
    expect(log.drain()).toMatchObject({ operations: 0, reads: [], acknowledged: [] });
  });
});
