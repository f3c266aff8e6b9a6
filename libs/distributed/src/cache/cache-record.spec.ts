/** The text format of records. */
import { describe, expect, it } from '@jest/globals';
import { formatLease, formatValue, parseRecord } from './cache-record.js';

const lease = { stamp: '17.2', token: 'tok' };

describe('records', () => {
  it('read what they write', () => {
    expect(parseRecord(formatLease(lease))).toEqual({
      kind: 'lease',
      header: 'L1 17.2 tok',
      text: '',
      ...lease,
    });
    expect(parseRecord(formatValue(lease, '"a\nb c"'))).toEqual({
      kind: 'value',
      header: 'V1 17.2 tok',
      text: '"a\nb c"',
      ...lease,
    });
  });

  it.each([
    [''],
    ['{"json":1}'],
    ['V2 17.2 tok\n1'],
    ['V1 17.2 tok'],
    ['L1 17.2'],
    ['x'.repeat(500)],
  ])('call anything else foreign: %p', (raw) => {
    const record = parseRecord(raw);
    expect(record.kind).toBe('foreign');
    expect(raw.startsWith(record.header)).toBe(true);
    expect(record.header.length).toBeLessThanOrEqual(64);
  });
});
