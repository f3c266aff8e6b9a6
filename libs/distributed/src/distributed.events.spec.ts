import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, jest } from '@jest/globals';
import { openEventChannels } from './distributed.events.js';

interface Events {
  readonly begun: { readonly name: string };
  readonly ended: { readonly name: string };
}
const NAMES = { begun: 'test:events:begun', ended: 'test:events:ended' };

describe('event channels', () => {
  const events = openEventChannels<Events>(NAMES);

  it('build no payload without a subscriber', () => {
    const payload = jest.fn(() => ({ name: 'x' }));
    events.emit('begun', payload);
    expect(events.hasSubscribers('begun')).toBe(false);
    expect(payload).not.toHaveBeenCalled();
  });

  it('publish to the channel of the event, and to no other', () => {
    const seen: unknown[] = [];
    const listener = (message: unknown): void => void seen.push(message);
    subscribe(NAMES.begun, listener);
    events.emit('begun', () => ({ name: 'x' }));
    events.emit('ended', () => ({ name: 'y' }));
    expect([events.hasSubscribers('begun'), events.hasSubscribers('ended')]).toEqual([true, false]);
    unsubscribe(NAMES.begun, listener);
    events.emit('begun', () => ({ name: 'z' }));
    expect(seen).toEqual([{ name: 'x' }]);
  });
});
