/** Configuration of the message transport, with the faults of its defaults switched off. */
import type { RedisOptions as NestRedisOptions } from '@nestjs/microservices';

/** What a service needs to receive messages. */
export interface MessagingOptions {
  /** Redis of the transport and of the claims. */
  readonly transportUrl: string;
  /** Name of this process, for example `inventory-1`: the value of its claims. */
  readonly replica: string;
  /** Recognises failures of the infrastructure; without it every unknown error is permanent. */
  readonly classify?: FailureClassifier;
}

/**
 * Says what kind of failure an unknown error is, and whether the work may have happened. Failures
 * that are `transient`, `throttled` or `overloaded` are worth another try.
 */
export type FailureClassifier = (error: unknown) => {
  readonly kind: string;
  readonly executed: Executed;
};

/** Whether the other side has done the work. */
export type Executed = 'no' | 'unknown' | 'yes';

/** Token of `MessagingOptions`. */
export const MESSAGING_OPTIONS = Symbol('shop:messaging-options');

/** Options of Nest's Redis transport. */
export type TransportOptions = NonNullable<NestRedisOptions['options']>;

/**
 * What every channel of the transport begins with: the parameter `channels` of its address. Redis
 * knows no databases for channels, so shops that share a server are kept apart by it.
 * `redis://127.0.0.1:6379?channels=blue` → `blue.`; nothing without the parameter.
 */
export function channelPrefix(url: string): string {
  const channels = new URL(url).searchParams.get('channels');
  return channels ? `${channels}.` : '';
}

/**
 * Options of Nest's Redis transport for `url`. The stock defaults never reconnect, so
 * `retryAttempts` is practically infinite. Each value says what it prevents.
 */
export function transportOptions(url: string): TransportOptions {
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    ...(protocol === 'rediss:' && { tls: {} }),
    // Stock: unset means that the first lost connection is never replaced.
    retryAttempts: Number.MAX_SAFE_INTEGER,
    // Stock: 5 s of silence after every drop.
    retryDelay: 250,
    connectTimeout: 2_000,
    // A dead peer does not answer the FIN: give its socket up soon.
    disconnectTimeout: 200,
    keepAlive: 10_000,
  };
}
