/** The service twin of the decorators. */
import { Inject, Injectable } from '@nestjs/common';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { validateOptions } from '../distributed.validation.js';
import { Clock, Random } from '../time/index.js';
import { Engine } from './engine.js';
import type { NetworkFailure } from './failure.js';
import { type MessageClient, type WrapOptions, wrapClient } from './message-client.js';
import type { Policy } from './policy.js';
import { PolicyRegistry } from './policy-registry.js';
import { resilienceSchema } from './resilience.options.js';

/** Runs code through policies where a decorator does not fit. */
@Injectable()
export class ResilienceService {
  /** All policies of the application, to look at, control and update. */
  readonly registry: PolicyRegistry;
  readonly #engine: Engine;

  constructor(
    clock: Clock,
    random: Random,
    @Inject(capabilityOptionsToken('resilience')) options: unknown,
  ) {
    const checked = validateOptions(
      resilienceSchema,
      options ?? {},
      'DistributedModule.forRoot().resilience',
    );
    this.#engine = new Engine(clock, random, checked);
    this.registry = new PolicyRegistry(this.#engine, checked);
  }

  /**
   * A policy of `forRoot`, by name.
   * @throws UnknownPolicyError `E_RESILIENCE_POLICY_UNKNOWN`
   * @example
   * await resilience.policy('payments').execute(({ signal }) => fetch(url, { signal }));
   */
  policy(name: string): Policy {
    return this.registry.get(name);
  }

  /**
   * The same client with every `send` and `emit` under a policy: with time limits, so that no call
   * hangs, and with retries, where they are safe.
   * @throws UnknownPolicyError `E_RESILIENCE_POLICY_UNKNOWN`
   */
  wrapClient<C extends MessageClient>(client: C, policy: string, options: WrapOptions = {}): C {
    return wrapClient(client, this.policy(policy), options);
  }

  /**
   * Classifies an error with the application's classifiers and tells `onNetworkError` when it came
   * from the network or a server's state. Never throws.
   */
  handleNetworkError(error: unknown): NetworkFailure {
    const failure = this.#engine.classify(error);
    this.#engine.report(failure, error);
    return failure;
  }
}
