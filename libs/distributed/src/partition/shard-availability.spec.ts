/** The half-open circuit of one shard, on a clock that the test drives. */
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { ShardUnavailableError } from './partition.errors.js';
import { ShardAvailability } from './shard-availability.js';

const down = (): ShardUnavailableError =>
  new ShardUnavailableError('s1', 'unreachable', { executed: 'no', cause: new Error('refused') });
const refused = expect.objectContaining({ code: 'E_PARTITION_SHARD_UNAVAILABLE', executed: 'no' });

describe('ShardAvailability', () => {
  let clock: FakeClock;
  let probes: { resolve(): void; reject(error: unknown): void }[];
  let onDownCalls: number;
  let availability: ShardAvailability;

  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['warn', 'error', 'log']));

  beforeEach(() => {
    clock = new FakeClock();
    probes = [];
    onDownCalls = 0;
    availability = new ShardAvailability({
      shard: 's1',
      clock,
      retryAfterMs: 1_000,
      probe: () => new Promise((resolve, reject) => probes.push({ resolve, reject })),
      onDown: () => onDownCalls++,
    });
  });

  async function failNextProbe(call: Promise<void>): Promise<void> {
    probes.at(-1)!.reject(down());
    await expect(call).rejects.toEqual(refused);
  }

  it('connects on the first call when the boot did not', async () => {
    const call = availability.admit();
    probes[0]!.resolve();
    await call;
    expect(availability.isUp).toBe(true);
    await availability.admit();
    expect(probes).toHaveLength(1);
  });

  it('refuses at once while down: no probe, no waiting (mutation: every call tries to connect)', async () => {
    await failNextProbe(availability.admit());
    await expect(availability.admit()).rejects.toEqual(refused);
    await clock.advance(999);
    await expect(availability.admit()).rejects.toEqual(refused);
    expect(probes).toHaveLength(1);
    expect(onDownCalls).toBe(1);
  });

  it('after retryAfter one call probes and the others are refused meanwhile (mutation: all of them wait)', async () => {
    await failNextProbe(availability.admit());
    await clock.advance(1_000);
    const first = availability.admit();
    await expect(availability.admit()).rejects.toEqual(refused);
    expect(probes).toHaveLength(2);
    probes[1]!.resolve();
    await first;
    await availability.admit();
  });

  it('waits again after each failed probe, and tells of the outage once', async () => {
    await failNextProbe(availability.admit());
    await clock.advance(1_000);
    await failNextProbe(availability.admit());
    await clock.advance(500);
    await expect(availability.admit()).rejects.toEqual(refused);
    expect(probes).toHaveLength(2);
    expect(onDownCalls).toBe(1);
  });

  it('many suspicions are one question', async () => {
    const checks = [availability.check(), availability.check(), availability.check()];
    expect(probes).toHaveLength(1);
    probes[0]!.resolve();
    await Promise.all(checks);
  });

  it('a mistake in the configuration is passed on and not taken for an outage', async () => {
    const mistake = new Error('entity without columns');
    const call = availability.admit();
    probes[0]!.reject(mistake);
    await expect(call).rejects.toBe(mistake);
    expect(onDownCalls).toBe(0);
  });
});
