/** Policies and modules on a clock that the test moves, and calls whose outcome can be looked at. */
import type { DynamicModule } from '@nestjs/common';
import {
  AspectBinder,
  type AspectHandler,
  AspectRuntime,
} from '../../libs/distributed/src/aspects/index.js';
import { capabilityOptionsToken } from '../../libs/distributed/src/distributed.tokens.js';
import {
  type Policy,
  type PolicyOptions,
  ResilienceAspect,
  ResilienceModule,
  type ResilienceModuleOptions,
  ResilienceService,
} from '../../libs/distributed/src/resilience/index.js';
import { Clock, Random } from '../../libs/distributed/src/time/index.js';
import { FakeClock, SequenceRandom } from '../../libs/distributed/src/testing/index.js';

/** An error that says: nothing was sent. */
export const refused = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });

/** An error that says: it may have been executed. */
export const reset = (): Error =>
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** Work that hangs. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** A service with the given policies, without defaults unless asked for. */
export function serviceOf(
  policies: Readonly<Record<string, PolicyOptions>>,
  defaults: 'standard' | 'none' = 'none',
): { service: ResilienceService; clock: FakeClock } {
  const clock = new FakeClock();
  const service = new ResilienceService(clock, new SequenceRandom(), { defaults, policies });
  return { service, clock };
}

/** A single policy `p` with exactly these sections; every random number is 0.5. */
export function policyOf(options: PolicyOptions): { policy: Policy; clock: FakeClock } {
  const { service, clock } = serviceOf({ p: options });
  return { policy: service.policy('p'), clock };
}

/** What became of a call, so far. */
export interface Watched<T> {
  value?: T;
  error?: unknown;
  settled: boolean;
}

/** Looks at a promise without waiting for it. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = { settled: false };
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  );
  return seen;
}

/** What DistributedModule wires of this capability, on a clock that the test moves. */
export function resilienceModule(
  clock: Clock,
  options: ResilienceModuleOptions = {},
): DynamicModule {
  const core: DynamicModule = {
    module: class ResilienceCoreModule {},
    providers: [
      { provide: Clock, useValue: clock },
      { provide: Random, useValue: new SequenceRandom() },
      { provide: capabilityOptionsToken('resilience'), useValue: options },
    ],
    exports: [Clock, Random, capabilityOptionsToken('resilience')],
  };
  const room = ResilienceModule.register(core);
  return {
    module: class ResilienceRootModule {},
    global: true,
    imports: [room],
    providers: [
      {
        provide: AspectRuntime,
        inject: [ResilienceAspect],
        useFactory: (aspect: ResilienceAspect) => new AspectRuntime([aspect as AspectHandler]),
      },
      AspectBinder,
    ],
    exports: [AspectRuntime, room],
  };
}
