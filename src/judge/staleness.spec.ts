/** A read is stale only if it was sent well after the acknowledgement. */
import { describe, expect, it } from '@jest/globals';
import { GRACE_MS, staleReads } from './staleness.js';

describe('staleReads', () => {
  const changes = [
    { sku: 'a', version: 2, acknowledgedAt: 1_000 },
    { sku: 'a', version: 3, acknowledgedAt: 2_000 },
  ];

  it.each([
    ['before the acknowledgement', 1, 900, false],
    ['within the grace', 1, 1_000 + GRACE_MS - 1, false],
    ['after the grace', 1, 1_000 + GRACE_MS, true],
    ['after the grace, with the new version', 2, 1_500, false],
    ['after the second change', 2, 2_500, true],
    ['with a version that is newer than any acknowledged one', 4, 2_500, false],
  ])('a read sent %s', (_, version, sentAt, stale) => {
    expect(staleReads([{ sku: 'a', version, sentAt }], changes)).toHaveLength(stale ? 1 : 0);
  });

  it('compares with changes of the same product only', () => {
    expect(staleReads([{ sku: 'b', version: 1, sentAt: 5_000 }], changes)).toEqual([]);
  });
});
