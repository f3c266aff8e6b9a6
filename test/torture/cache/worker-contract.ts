/** What a torture may ask of one of its processes. */

/** Which library a process uses. */
export type SubjectName = 'ours' | 'bentocache';

/** What a process starts with. */
export interface WorkerSettings {
  readonly name: string;
  readonly seed: string;
  readonly subject: SubjectName;
  /** Module to import ours from: its name, or the address of a mutant. */
  readonly library: string;
  readonly redisUrl: string;
  /** Another way to the same server, for messages only. */
  readonly messagesPort: number;
  /** The server that stands for the database. */
  readonly databaseUrl: string;
}

/** Tasks that read and write until told to stop. */
export interface CacheLoad {
  readonly tasks: number;
  readonly keys: number;
  /** How many tags share the keys. */
  readonly tags: number;
  /** Share of operations that change the database and invalidate. */
  readonly writes: number;
}

/** What happened since the last time somebody asked. */
export interface LoadRecord {
  /** Reads and acknowledged writes. */
  readonly operations: number;
  /** Invalidations the library did not confirm: they promise nothing yet. */
  readonly unconfirmed: number;
  /** `key, version, at, …`: every key shows at least this version to who begins to read after `at`. */
  readonly acknowledged: readonly number[];
  /** `key, version, at, …`: the last instant at which a read began that returned this version. */
  readonly reads: readonly number[];
}

/** How a load ended. */
export interface LoadEnd {
  /** Tasks that did not come to an end. */
  readonly hangs: number;
  /** Errors of reads, which the library promises not to add, and undocumented ones of writes. */
  readonly unexpected: readonly string[];
}

/** The methods of a process. */
export interface CacheWorker {
  boot(settings: WorkerSettings): Promise<void>;
  startLoad(load: CacheLoad): void;
  drain(): LoadRecord;
  stopLoad(): Promise<LoadEnd>;
  /** Resolves when no invalidation waits for a confirmation and messages arrive; false after `withinMs`. */
  settle(withinMs: number): Promise<boolean>;
  /** Reads every key: its version, by number; null for a read that did not come to an end. */
  readAll(keys: number): Promise<(number | null)[]>;
}
