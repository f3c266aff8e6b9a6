/** Puts the fences of the caller's locks before everything else a transactional call does. */
import type { FencePort, TransactionFence } from './fence.port.js';
import { facadeOf } from './runner-facade.js';
import type { TransactionContext } from './transaction-context.js';
import { TransactionFenceError } from './transaction.errors.js';
import type { ResolvedModuleOptions, ResolvedTransactionOptions } from './transaction.options.js';
import type { DataSourceLike } from './data-source-like.js';

/** Decides, per call, which fences it has to pass. */
export class FenceGuard {
  constructor(
    private readonly port: FencePort | undefined,
    private readonly options: Pick<ResolvedModuleOptions, 'fenced' | 'fenceTable'>,
  ) {}

  /** @throws TransactionFenceError `E_TRANSACTION_FENCE` when fences are asked for without locks */
  assertAvailable(fenced: ResolvedTransactionOptions['fenced'], where: string): void {
    if (!fenced || this.port) return;
    throw new TransactionFenceError(
      where,
      "there is no lock capability. Add `lock: {…}` to DistributedModule.forRoot(), or 'lock' to the capabilities of forRootAsync()",
    );
  }

  /**
   * `fn` behind the fences of the locks that the caller is inside of now.
   * @throws TransactionFenceError `E_TRANSACTION_FENCE` when it asks for a fence under no lock
   */
  around<T>(
    { context, dataSource }: { context: TransactionContext; dataSource: DataSourceLike },
    options: ResolvedTransactionOptions,
    label: string,
    fn: () => Promise<T>,
  ): () => Promise<T> {
    const fences = this.#fencesFor(options, label);
    if (fences.length === 0) return fn;
    return async () => {
      await enterAll(fences, context, dataSource);
      return fn();
    };
  }

  #fencesFor(options: ResolvedTransactionOptions, label: string): readonly TransactionFence[] {
    // A fence is a row that is written, so a read-only call takes part only in what others entered.
    const fenced = options.fenced ?? (options.readOnly ? false : this.options.fenced);
    if (!fenced) return [];
    this.assertAvailable(fenced, label);
    const fences = this.port?.current(this.options.fenceTable) ?? [];
    if (fences.length > 0 || fenced === 'ifLocked') return fences;
    throw new TransactionFenceError(
      label,
      "it runs under no lock. Put @DistributedLock() on it or on its caller, use LockService.execute(), or say fenced: 'ifLocked'",
    );
  }
}

/** One after the other: the same order everywhere, so that two callers never wait in a ring. */
async function enterAll(
  fences: readonly TransactionFence[],
  context: TransactionContext,
  dataSource: DataSourceLike,
): Promise<void> {
  const scope = context.frame(dataSource)?.scope;
  if (!scope) return;
  const runner = facadeOf(scope, context);
  for (const fence of fences) {
    if (scope.hasEntered(fence.lock)) continue;
    await fence.enter(runner);
    scope.entered(fence.lock);
  }
}
