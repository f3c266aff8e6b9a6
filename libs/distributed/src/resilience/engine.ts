/** What all pipelines of one application share. */
import { Logger } from '@nestjs/common';
import type { Clock, Random } from '../time/index.js';
import { type ErrorClassifier, isNetworkFailure, type NetworkFailure } from './failure.js';
import { NetworkErrors } from './network-errors.js';
import { TimeoutLanes } from './timeout-lanes.js';

/** Time, randomness, classification and the application's hook. */
export class Engine {
  readonly timeouts: TimeoutLanes;
  readonly #logger = new Logger('Resilience');

  constructor(
    readonly clock: Clock,
    readonly random: Random,
    private readonly hooks: {
      readonly classifiers: readonly ErrorClassifier[];
      readonly onNetworkError?: ((failure: NetworkFailure, error: unknown) => void) | undefined;
    },
  ) {
    this.timeouts = new TimeoutLanes(clock);
  }

  /** Classifies with the policy's own classifier, the application's, then the built-in ones. */
  classify(error: unknown, first?: ErrorClassifier): NetworkFailure {
    const { classifiers } = this.hooks;
    return NetworkErrors.classify(error, first ? [first, ...classifiers] : classifiers);
  }

  /** Tells the application about a network failure; a failing hook is logged, not thrown. */
  report(failure: NetworkFailure, error: unknown): void {
    if (!this.hooks.onNetworkError || !isNetworkFailure(failure)) return;
    try {
      this.hooks.onNetworkError(failure, error);
    } catch (problem) {
      this.#logger.error('onNetworkError threw; the call goes on', problem);
    }
  }
}
