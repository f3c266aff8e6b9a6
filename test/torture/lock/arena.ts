/** One torture's processes: starts them, disturbs them, collects what they and the resource say. */
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../child.js';
import { SeededRandom } from '../seeded-random.js';
import type { TortureOutcome, TortureSettings } from '../torture.js';
import { type Judgement, judge } from './journal-judge.js';
import { commonViolations, type Figures } from './lock-figures.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';
import type { Load, LockRedis, LockWorker, Tally, WorkerSettings } from './worker-contract.js';

/** A process of an arena. */
export type Worker = Child<LockWorker>;

const WORKER = new URL('./worker.js', import.meta.url);
const STOP_DEADLINE_MS = 20_000;

/** Which processes an arena has. */
export interface ArenaOptions {
  readonly workers: number;
  /** Where each process finds the lock's Redis. */
  readonly redis: (worker: number) => LockRedis;
  /** More settings of each process. */
  readonly settings?: Partial<WorkerSettings>;
}

/** Opened by each torture, closed with `await using`. */
export class Arena implements AsyncDisposable {
  readonly random: SeededRandom;
  /** Those that have booted and were not killed; the first ones in the order of their numbers. */
  readonly workers: Worker[] = [];
  readonly #all: Worker[] = [];
  #started = 0;
  #hangs = 0;

  private constructor(
    readonly ground: LockGround,
    readonly settings: TortureSettings,
    private readonly options: ArenaOptions,
  ) {
    this.random = new SeededRandom(settings.seed);
  }

  /** Clears the resources and starts the processes. */
  static async open(
    ground: LockGround,
    settings: TortureSettings,
    options: ArenaOptions,
  ): Promise<Arena> {
    const arena = new Arena(ground, settings, options);
    try {
      await ground.resources.clear();
      const booting = Array.from({ length: options.workers }, () => arena.#boot());
      arena.workers.push(...(await Promise.all(booting)));
      return arena;
    } catch (error) {
      await arena[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts one more process. */
  async addWorker(): Promise<Worker> {
    const worker = await this.#boot();
    this.workers.push(worker);
    return worker;
  }

  async #boot(): Promise<Worker> {
    const { seed, library, guard } = this.settings;
    const number = this.#started++;
    const worker: Worker = new Child(`p${number}`, WORKER);
    this.#all.push(worker);
    await worker.call('boot', {
      name: worker.name,
      seed,
      library,
      guard,
      redis: this.options.redis(number),
      resources: this.ground.addresses,
      ...this.options.settings,
    });
    return worker;
  }

  /** SIGKILL to one process; its place is free. */
  async kill(worker: Worker): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    await worker.kill();
  }

  /** Starts the same load in all processes. */
  async startLoad(load: Load): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.call('startLoad', load)));
  }

  /** Does `step` again and again while the run lasts. */
  async during(step: (elapsedMs: number) => Promise<void>): Promise<void> {
    const start = performance.now();
    for (let elapsed = 0; elapsed < this.settings.seconds * 1_000;) {
      await step(elapsed);
      elapsed = performance.now() - start;
    }
  }

  /** Thaws everybody, ends the loads and adds up their tallies. Who does not end, hangs. */
  async stopLoad(): Promise<Tally> {
    const total = emptyTally();
    for (const worker of this.workers) if (worker.frozen) worker.thaw();
    const tallies = this.workers.map(async (worker) => {
      const late = delay(STOP_DEADLINE_MS, undefined, { ref: false });
      const tally = await Promise.race([worker.call('stopLoad').catch(() => undefined), late]);
      if (!tally) {
        this.#hangs++;
        return;
      }
      const { unexpected, ...counts } = tally;
      total.unexpected.push(...unexpected);
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
        total[name] += counts[name];
      }
    });
    await Promise.all(tallies);
    return total;
  }

  /** What the resource saw. */
  async judge(): Promise<Judgement> {
    return judge(await this.ground.resources.journal());
  }

  /** Counts an operation outside the loads that did not settle in time. */
  countHang(): void {
    this.#hangs++;
  }

  /** Joins the figures with the rules of all tortures and those of one. */
  outcome(
    judgement: Pick<Figures, 'acknowledged' | 'lostFenced' | 'lostUnfenced' | 'staleRejected'>,
    tally: Tally,
    notes: Readonly<Record<string, number | string>>,
    violations: readonly string[],
  ): TortureOutcome & Figures {
    const unhandled = this.#all.flatMap((worker) => worker.unhandled);
    const figures: Figures = {
      acknowledged: judgement.acknowledged,
      lostFenced: judgement.lostFenced,
      lostUnfenced: judgement.lostUnfenced,
      staleRejected: judgement.staleRejected,
      hangs: this.#hangs + tally.hangs,
      unhandled: unhandled.length,
    };
    const { unexpected } = tally;
    return {
      ...figures,
      notes,
      violations: [
        ...commonViolations(figures),
        ...unhandled.slice(0, 3),
        ...(unexpected.length > 0
          ? [`${unexpected.length} unexpected errors: ${unexpected[0]}`]
          : []),
        ...violations,
      ],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.kill()));
  }
}

/** The violations among `rules`: each says what must be true, and what it means when it is not. */
export function broken(...rules: readonly (readonly [boolean, string])[]): string[] {
  return rules.flatMap(([holds, text]) => (holds ? [] : [text]));
}
