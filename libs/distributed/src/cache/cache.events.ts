/**
 * What the cache capability tells the outside: one diagnostics channel per kind of event. Without
 * subscribers nothing is built. Payloads carry names and numbers, never keys or values.
 */
import { openEventChannels } from '../distributed.events.js';

/** Where a value came from. */
export type CacheLevel = 'l1' | 'l2';

/** Why a call did not use the cache although it is decorated. */
export type BypassReason =
  /** `condition` was false. */
  | 'condition'
  /** An eviction of this key is not confirmed yet. */
  | 'poisoned'
  /** The active transaction evicts this key at its commit. */
  | 'transaction'
  /** Redis failed or did not answer within the read deadline. */
  | 'backend';

/** What became of a loaded value. */
export type FillOutcome =
  | 'stored'
  /** The key was evicted or written while the value was loaded. */
  | 'rejected'
  /** Another process held the lease for the whole wait, so this value had no right to be stored. */
  | 'unleased'
  /** `unless`, a `negativeTtl` of 0, or a transaction. */
  | 'skipped'
  /** Redis did not confirm the write. */
  | 'failed';

/** Payloads by channel. */
export interface CacheEvents {
  /** A call was answered from the cache. */
  readonly hit: { readonly cache: string; readonly level: CacheLevel };
  /** A call was answered with a stale value, because a load failed or took too long. */
  readonly stale: { readonly cache: string };
  /** A call went around the cache. */
  readonly bypass: { readonly cache: string; readonly reason: BypassReason };
  /** The factory ran and settled. */
  readonly load: { readonly cache: string; readonly ok: boolean; readonly durationMs: number };
  /** What became of a loaded value. */
  readonly fill: { readonly cache: string; readonly outcome: FillOutcome };
  /** A load waited for another process. */
  readonly wait: { readonly cache: string; readonly durationMs: number };
  /** An eviction (`all`: of the whole cache) or put ended; `confirmed` by Redis or not. */
  readonly invalidate: {
    readonly cache: string;
    readonly all: boolean;
    readonly confirmed: boolean;
  };
  /** The invalidation bus changed; `gap`: messages of another node were lost. */
  readonly bus: { readonly state: 'up' | 'down' | 'gap'; readonly epoch: number };
}

/** Names of the channels, for `diagnostics_channel.subscribe(CACHE_CHANNELS.hit, …)`. */
export const CACHE_CHANNELS = {
  hit: 'nestjs-distributed:cache:hit',
  stale: 'nestjs-distributed:cache:stale',
  bypass: 'nestjs-distributed:cache:bypass',
  load: 'nestjs-distributed:cache:load',
  fill: 'nestjs-distributed:cache:fill',
  wait: 'nestjs-distributed:cache:wait',
  invalidate: 'nestjs-distributed:cache:invalidate',
  bus: 'nestjs-distributed:cache:bus',
} as const satisfies Record<keyof CacheEvents, string>;

/** Emits the events of this room. */
export const cacheEvents = openEventChannels<CacheEvents>(CACHE_CHANNELS);
