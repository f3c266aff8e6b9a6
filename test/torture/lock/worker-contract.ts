/** What a torture may ask of one of its processes, and what it tells by itself. */
import type { Guard } from '../torture.js';
import type { ResourceAddresses } from './protected-resources.js';
import type { Reading, Writing } from './resource.js';

/** Where the lock's Redis is. */
export type LockRedis =
  /** `subscriberPort`: another way to the same server, for messages only. */
  | { readonly url: string; readonly subscriberPort?: number }
  | {
      readonly sentinels: readonly { readonly host: string; readonly port: number }[];
      readonly name: string;
    }
  /** Redlock over masters that know nothing of each other. */
  | { readonly masters: readonly string[] }
  | { readonly cluster: readonly { readonly host: string; readonly port: number }[] };

/** What a process starts with. */
export interface WorkerSettings {
  readonly name: string;
  readonly seed: string;
  readonly library: string;
  readonly redis: LockRedis;
  readonly resources: ResourceAddresses;
  readonly guard: Guard;
  /** `forRoot({ lock })`. */
  readonly lock?: Readonly<Record<string, unknown>>;
  /** Milliseconds by which this process's `Date` differs at most, in jumps; 0 leaves it alone. */
  readonly clockJumpsMs?: number;
}

/** Options of a lock, as the public API takes them. */
export type LockOptions = Readonly<Record<string, unknown>>;

/** Tasks that work under locks until told to stop. */
export interface Load {
  readonly tasks: number;
  readonly keys: readonly string[];
  readonly leaseMs: number;
  readonly waitMs: number;
  /** Between the read and the write; default 4. */
  readonly sleepMs?: number;
  /** Asks the lock before writing, and does not write when it is lost. */
  readonly checkHeld?: boolean;
  /** Blocks the event loop for `ms` inside a section, with this probability. */
  readonly stall?: { readonly probability: number; readonly ms: number };
  /** Reads twice instead of reading and writing. */
  readonly readOnly?: boolean;
  /** Under a permit of a semaphore of this size instead of a lock. */
  readonly permits?: number;
  /** Further options of each call. */
  readonly options?: LockOptions;
}

/** A job that every process wants to run at the same instants. */
export interface Ticks {
  /** `monotonicMs()` of the first tick. */
  readonly startAt: number;
  readonly periodMs: number;
  readonly count: number;
  /** How much earlier or later than the others a process comes, at random. */
  readonly skewMs: number;
  readonly options: LockOptions;
}

/** Work that only the leader of an election does. */
export interface LeaderSettings {
  readonly key: string;
  readonly leaseMs: number;
}

/** How the sections of a load ended. */
export interface Tally {
  sections: number;
  waitTimeouts: number;
  backendErrors: number;
  /** Rejections with `E_LOCK_LOST`. */
  losses: number;
  /** Sections that found their lock lost before they wrote. */
  abandoned: number;
  /** Stalls longer than the lease after which the lock still claimed to be held. */
  missedLosses: number;
  hangs: number;
  /** Errors that are none of the documented ones. */
  unexpected: string[];
}

/** A lock a process was told to take. */
export interface Held {
  readonly handle: number;
  readonly fence: number;
  readonly invokedAt: number;
  readonly grantedAt: number;
  /** The worst delay of a plain timer in that process meanwhile, ms. */
  readonly lagMs: number;
}

/** How late a holder's signal was. */
export interface LossTiming {
  /** Milliseconds after the deadline; negative before it. Null: it never aborted. */
  readonly lateMs: number | null;
  /** Of that, how late a plain timer for the same instant was in the same process. */
  readonly lagMs: number;
}

/** An event of a history; times are `monotonicMs()`. */
export type HistoryEvent =
  | { readonly type: 'acquire'; readonly id: string; readonly key: string; readonly at: number }
  | {
      readonly type: 'acquired';
      readonly id: string;
      readonly key: string;
      readonly at: number;
      readonly fence: number;
      readonly deadline: number;
    }
  | { readonly type: 'refused'; readonly id: string; readonly key: string; readonly at: number }
  | { readonly type: 'held'; readonly id: string; readonly key: string; readonly deadline: number }
  | { readonly type: 'release'; readonly id: string; readonly key: string; readonly at: number }
  | {
      readonly type: 'released';
      readonly id: string;
      readonly key: string;
      readonly at: number;
      readonly outcome: string;
    };

/** A load that only acquires and releases, and tells all of it. */
export interface HistoryLoad {
  readonly tasks: number;
  readonly keys: readonly string[];
  readonly leaseMs: number;
  readonly waitMs: number;
  readonly holdMs: number;
}

/** The methods of a process. */
export interface LockWorker {
  boot(settings: WorkerSettings): Promise<void>;
  startLoad(load: Load): void;
  startHistory(load: HistoryLoad): void;
  /** Resolves with the number of runs of this process, after the last tick. */
  runTicks(ticks: Ticks): Promise<number>;
  /** Takes part in the election, and works when it leads. */
  startLeading(settings: LeaderSettings): void;
  /** Whether this process believes that it leads. */
  leads(): boolean;
  /** Blocks the event loop for so long; whether the process claims to lead on the next statement. */
  claimsAfter(ms: number): boolean;
  /** Ends any load after its present sections. */
  stopLoad(): Promise<Tally>;
  /** Acquires; null when the wait was over. */
  acquire(key: string, options: LockOptions): Promise<Held | null>;
  release(handle: number): Promise<string>;
  /** Starts waiting for locks that nobody will release in time. */
  queue(key: string, count: number, options: LockOptions): void;
  /** The first half of a section by hand. */
  enter(key: string, options: LockOptions): Promise<Held & { readonly reading: Reading }>;
  /** The second half: writes, then releases. */
  leave(handle: number): Promise<Writing & { readonly outcome: string }>;
  /** Acquires each key and watches how its signal comes. */
  holdAll(keys: readonly string[], options: LockOptions): Promise<number>;
  /** What became of the locks of `holdAll`, once all were lost or `waitMs` are over. */
  losses(waitMs: number): Promise<LossTiming[]>;
  /** Clean shutdown of the application. */
  close(): Promise<void>;
}
