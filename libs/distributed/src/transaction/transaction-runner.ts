/** Decides, per call: which DataSource, join or open, savepoint or outside. */
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { Clock } from '../time/index.js';
import { AdvisoryLocks } from './advisory-locks.js';
import type { AdvisoryLockRequest } from './advisory-lock.options.js';
import { AdoptedDataSource } from './adopted-data-source.js';
import type { DataSourceLike } from './data-source-like.js';
import { DataSourcesExplorer } from './data-sources.explorer.js';
import { FenceGuard } from './fence-guard.js';
import { FencePort } from './fence.port.js';
import { isolationLevel } from './isolation.js';
import { assertCanJoin, joinScope } from './joined-call.js';
import { provenFacts } from './joining-proof.js';
import { runInNewTransaction } from './local-transaction.js';
import { Propagation } from './propagation.js';
import { runInSavepoint } from './savepoint.js';
import { ShardPort } from './shard.port.js';
import { type Frame, TransactionContext } from './transaction-context.js';
import { TransactionNotAllowedError, TransactionRequiredError } from './transaction.errors.js';
import { transactionEvents, type HookPhase } from './transaction.events.js';
import type { ResolvedModuleOptions, ResolvedTransactionOptions } from './transaction.options.js';
import { TRANSACTION_OPTIONS } from './transaction.tokens.js';

@Injectable()
export class TransactionRunner implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger('Transaction');
  /** Its own, and those of DataSource objects another application adopted first. */
  readonly #contexts: Set<TransactionContext>;
  /** The fences of locks; the aspect asks it at boot. */
  readonly fences: FenceGuard;
  readonly #advisoryLocks = new AdvisoryLocks();

  constructor(
    private readonly clock: Clock,
    private readonly context: TransactionContext,
    private readonly dataSources: DataSourcesExplorer,
    @Inject(TRANSACTION_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Optional() @Inject(ShardPort) private readonly shards?: ShardPort,
    @Optional() @Inject(FencePort) fences?: FencePort,
  ) {
    this.fences = new FenceGuard(fences, options);
    this.#contexts = new Set([context]);
  }

  /** Adopts what the application has, and proves that it joins, before the first request. */
  async onModuleInit(): Promise<void> {
    this.fences.assertAvailable(this.options.fenced, 'DistributedModule.forRoot().transaction');
    await this.#adoptAll(this.dataSources.explore().values());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#adoptAll(this.shards?.all() ?? []);
  }

  /**
   * Runs `fn` with checked options.
   * @param args of the method, for keys made from them
   * @returns undefined without running `fn` when its advisory lock says `ifLocked: 'skip'` and is held
   */
  async execute<T>(
    options: ResolvedTransactionOptions,
    label: string,
    fn: () => Promise<T>,
    args: readonly unknown[] = [],
  ): Promise<T | undefined> {
    const adopted = this.#adopt(this.#dataSourceOf(options.dataSource, label));
    const { context, dataSource } = adopted;
    const { propagation } = options;
    if (propagation === Propagation.NOT_SUPPORTED) return context.suspend(dataSource, fn);
    // The lock first: who waits for it holds no fence, and is asked afterwards whether it is late.
    const guarded = (): (() => Promise<T | undefined>) => {
      const fenced = this.fences.around(adopted, options, label, fn);
      return this.#advisoryLocks.around(adopted, options, { label, args }, fenced);
    };
    if (propagation === Propagation.REQUIRES_NEW)
      return this.#open(adopted, options, label, guarded());

    const scope = context.frame(dataSource)?.scope;
    // Started in a transaction that has ended: neither joining nor opening another would be honest.
    if (scope && !scope.isOpen) throw scope.transaction.refusal(scope.label);
    if (!scope) {
      if (propagation === Propagation.MANDATORY) throw new TransactionRequiredError(label);
      if (propagation === Propagation.SUPPORTS || propagation === Propagation.NEVER) return fn();
      return this.#open(adopted, options, label, guarded());
    }
    if (propagation === Propagation.NEVER) throw new TransactionNotAllowedError(label);
    assertCanJoin(scope, options, label);
    return propagation === Propagation.NESTED
      ? runInSavepoint(context, scope, { ...options, label }, guarded())
      : joinScope(context, scope, options, guarded());
  }

  /** The call this code is in: of the given DataSource, else the one entered last. Open ones only. */
  frame(reference?: string | DataSourceLike): Frame | undefined {
    const frame =
      reference === undefined
        ? this.#innermost()
        : this.#frameOf(this.#dataSourceOf(reference, 'TransactionService'));
    return frame?.scope.isOpen ? frame : undefined;
  }

  /** Takes an advisory lock in the scope of a frame; see `AdvisoryLocks.take`. */
  async advisoryLock({ scope }: Frame, request: AdvisoryLockRequest): Promise<boolean> {
    const { context } = this.#adopt(scope.transaction.dataSource);
    const asking = { label: scope.label, executed: 'unknown' } as const;
    return await this.#advisoryLocks.take(context, scope, request, asking);
  }

  /** Whether decorated methods that name no DataSource are routed to shards. */
  get isPartitioned(): boolean {
    return this.shards !== undefined;
  }

  #frameOf(dataSource: DataSourceLike): Frame | undefined {
    return this.#adopt(dataSource).context.frame(dataSource);
  }

  #innermost(): Frame | undefined {
    for (const context of this.#contexts) {
      const frame = context.innermost();
      if (frame) return frame;
    }
    return undefined;
  }

  #dataSourceOf(reference: string | DataSourceLike | undefined, where: string): DataSourceLike {
    if (typeof reference === 'object') return reference;
    return (
      (reference === undefined ? this.shards?.current() : undefined) ??
      this.dataSources.get(reference ?? 'default', where)
    );
  }

  #adopt(dataSource: DataSourceLike): AdoptedDataSource {
    const adopted = AdoptedDataSource.of(dataSource, this.context);
    this.#contexts.add(adopted.context);
    return adopted;
  }

  async #adoptAll(dataSources: Iterable<DataSourceLike>): Promise<void> {
    for (const dataSource of dataSources) {
      const adopted = this.#adopt(dataSource);
      // One that connects later is proven at its first transaction.
      if (dataSource.isInitialized) await provenFacts(adopted, this.#surroundings(dataSource));
    }
  }

  async #open<T>(
    adopted: AdoptedDataSource,
    options: ResolvedTransactionOptions,
    label: string,
    fn: () => Promise<T>,
  ): Promise<T> {
    const { context, dataSource } = adopted;
    const surroundings = this.#surroundings(dataSource);
    const facts = adopted.facts ?? (await provenFacts(adopted, surroundings));
    const defaultIsolation = isolationLevel(facts.isolation);
    const environment = { ...surroundings, context, dataSource, limits: facts, defaultIsolation };
    return runInNewTransaction(environment, options, label, fn);
  }

  #surroundings(dataSource: DataSourceLike) {
    return {
      clock: this.clock,
      dataSourceName: this.dataSources.nameOf(dataSource),
      timeoutMs: this.options.timeout,
      onHookError: (error: unknown, label: string, phase: HookPhase): void =>
        this.#reportHook(error, label, phase),
    };
  }

  #reportHook(error: unknown, label: string, phase: HookPhase): void {
    transactionEvents.emit('hookFailed', () => ({ label, phase, error }));
    try {
      if (this.options.onHookError) return this.options.onHookError(error, { label, phase });
    } catch (failure) {
      this.#logger.error('onHookError failed itself', failure);
    }
    this.#logger.error(`${phase} hook of ${label} failed; the outcome stands`, error);
  }
}
