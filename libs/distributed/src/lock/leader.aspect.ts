/** Runs a decorated method in the leader alone. */
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { AspectCall, AspectHandler } from '../aspects/index.js';
import type { LeaderAspectOptions } from './election.options.js';
import type { LeaderElection } from './leader-election.js';
import { LockService } from './lock.service.js';

/** Gives `@LeaderOnly` its behaviour; takes part in the elections it names from boot. */
@Injectable()
export class LeaderAspect implements AspectHandler<LeaderAspectOptions>, OnApplicationBootstrap {
  readonly kind = 'leader';
  readonly #elections = new Map<LeaderAspectOptions, LeaderElection>();

  constructor(private readonly locks: LockService) {}

  async run(
    options: LeaderAspectOptions,
    _call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    return await this.#electionOf(options).execute(next, options.execute);
  }

  /** Called at boot. @throws InvalidOptionsError when methods disagree about their election */
  validate(options: LeaderAspectOptions): void {
    this.#electionOf(options);
  }

  onApplicationBootstrap(): void {
    for (const election of this.#elections.values()) election.join();
  }

  #electionOf(options: LeaderAspectOptions): LeaderElection {
    let election = this.#elections.get(options);
    if (!election) {
      election = this.locks.election(options.name, options.election);
      this.#elections.set(options, election);
    }
    return election;
  }
}
