/** Figures, targets and their table. */
import { describe, expect, it } from '@jest/globals';
import { figureAt, merged, namesOf } from './figures.js';
import { tableOf } from './table.js';
import { boundOf, verdictOf } from './targets.js';

const figures = { uncontended: { commands: 2, ratio: 1.3 }, lost: { lateMs: { p100: -3 } } };

describe('figures', () => {
  it('have dotted names', () => {
    expect(namesOf(figures)).toEqual([
      'uncontended.commands',
      'uncontended.ratio',
      'lost.lateMs.p100',
    ]);
    expect(figureAt(figures, 'lost.lateMs.p100')).toBe(-3);
    for (const name of ['lost', 'lost.lateMs.p50', 'uncontended.commands.x', 'toString.length'])
      expect(figureAt(figures, name)).toBeUndefined();
  });

  it('merge by place', () => {
    expect(merged(figures, { uncontended: { ratio: 1 }, idle: { perSecond: 0 } })).toEqual({
      uncontended: { commands: 2, ratio: 1 },
      lost: { lateMs: { p100: -3 } },
      idle: { perSecond: 0 },
    });
  });
});

describe('targets', () => {
  it('are met up to the bound, or by exactly it, and never by what nobody measured', () => {
    const at = (metric: string, bound: number) => verdictOf({ metric, bound }, figures);
    expect(at('uncontended.ratio', 1.3)).toBe('met');
    expect(at('uncontended.ratio', 1.2)).toBe('missed');
    expect(at('idle.perSecond', 1)).toBe('not measured');
    const exactly = { metric: 'uncontended.commands', kind: 'exactly' } as const;
    expect(verdictOf({ ...exactly, bound: 2 }, figures)).toBe('met');
    expect(verdictOf({ ...exactly, bound: 3 }, figures)).toBe('missed');
    expect([boundOf({ ...exactly, bound: 2 }), boundOf({ metric: 'x', bound: 1 })]).toEqual([
      '= 2',
      '≤ 1',
    ]);
  });

  it('stand first in the table, peers beside ours', () => {
    const table = tableOf({
      metrics: figures,
      peers: { other: { uncontended: { commands: 3 } } },
      targets: [{ metric: 'uncontended.ratio', bound: 1.2 }],
    });
    const cells = table.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(cells).toEqual([
      ['metric', 'target', 'ours', 'other'],
      ['uncontended.ratio', '≤ 1.2', 'missed', '1.3'],
      [''],
      ['uncontended.commands', '2', '3'],
      ['lost.lateMs.p100', '-3'],
    ]);
  });
});
