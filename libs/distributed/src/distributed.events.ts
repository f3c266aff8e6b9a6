/** Events on `node:diagnostics_channel`: a map of channels, and payloads nobody builds in vain. */
import { type Channel, channel } from 'node:diagnostics_channel';

/** Emits the events of one room. `E` maps each event to its payload. */
export interface EventChannels<E extends object> {
  /** Publishes to the event's channel; without a subscriber `payload` is not even called. */
  emit<K extends keyof E>(kind: K, payload: () => E[K]): void;
  /** Whether anybody listens, for work that is done for the event alone. */
  hasSubscribers(kind: keyof E): boolean;
}

/** Opens the channels of a room. @param names the full name of each event's channel */
export function openEventChannels<E extends object>(
  names: Readonly<Record<keyof E, string>>,
): EventChannels<E> {
  const kinds = Object.keys(names) as (keyof E)[];
  const channels = Object.fromEntries(kinds.map((kind) => [kind, channel(names[kind])])) as Record<
    keyof E,
    Channel
  >;
  return {
    emit(kind, payload) {
      if (channels[kind].hasSubscribers) channels[kind].publish(payload());
    },
    hasSubscribers: (kind) => channels[kind].hasSubscribers,
  };
}
