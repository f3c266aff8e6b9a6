/** Callers share a load until it ends or is fenced. */
import { describe, expect, it } from '@jest/globals';
import { CacheFlights, type Fence } from './cache-flights.js';

function started(
  flights: CacheFlights,
  key: string,
): { fence: Fence; flight: Promise<unknown>; end: () => void } {
  let end!: () => void;
  let fence!: Fence;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const flight = flights.start(key, async (own) => {
    fence = own;
    await ended;
    return own;
  });
  return { fence, flight, end };
}

describe('CacheFlights', () => {
  it('lets callers join until the load ends, and leaks nothing', async () => {
    const flights = new CacheFlights();
    const { flight, end } = started(flights, 'a');
    expect(flights.join('a')).toBe(flight);
    expect(flights.join('b')).toBeUndefined();
    end();
    await flight;
    expect(flights.join('a')).toBeUndefined();
    expect(flights.size).toBe(0);
  });

  it('fences every load of a key, and later callers start anew (catches: detach without marking)', async () => {
    const flights = new CacheFlights();
    const first = started(flights, 'a');
    flights.fence('a');
    expect(first.fence.broken).toBe(true);
    expect(flights.join('a')).toBeUndefined();
    const second = started(flights, 'a');
    first.end();
    await first.flight;
    expect(flights.join('a')).toBe(second.flight);
    expect(second.fence.broken).toBe(false);
    flights.fenceAll();
    expect(second.fence.broken).toBe(true);
    second.end();
    await second.flight;
    expect(flights.size).toBe(0);
  });

  it('shares a failure and ends with it', async () => {
    const flights = new CacheFlights();
    const failure = new Error('no');
    await expect(flights.start('a', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(flights.size).toBe(0);
  });
});
