/** Errors of the kernel. */
import { DistributedError } from '../distributed.errors.js';

/** `E_ASPECT_UNBOUND`: a decorated method was called on an instance no application created. */
export class AspectUnboundError extends DistributedError {
  constructor(label: string) {
    super(
      'E_ASPECT_UNBOUND',
      `${label}() is decorated, but its instance belongs to no Nest application, so it cannot be protected and was not run.\n` +
        'Potential solutions:\n' +
        '- let Nest create the instance (a provider, a controller, moduleRef.create)\n' +
        '- call it after construction: a decorated method cannot run inside its own constructor\n' +
        '- bind an instance made by hand: bindAspects(instance, app.get(AspectRuntime))\n' +
        "- in unit tests: import 'nestjs-distributed/testing/pass-through' in a setup file",
    );
  }
}

/** `E_ASPECT_TARGET`: the decorator stands on something that cannot be woven. */
export class AspectTargetError extends DistributedError {
  constructor(where: string, problem: string) {
    super('E_ASPECT_TARGET', `${where}: ${problem}`);
  }
}

/** `E_ASPECT_DUPLICATE`: a decorator that can stand only once on a method stands there twice. */
export class AspectDuplicateError extends DistributedError {
  constructor(where: string) {
    super(
      'E_ASPECT_DUPLICATE',
      `${where}: the decorator stands twice on this method; merge the two into one.`,
    );
  }
}

/** `E_ASPECT_OBSERVABLE`: the method returned an Observable, which would outlive its protection. */
export class AspectObservableError extends DistributedError {
  constructor(label: string) {
    super(
      'E_ASPECT_OBSERVABLE',
      `${label}() returned an Observable: its protection would end before the first value is emitted. ` +
        'Return a promise (lastValueFrom(observable)), or use the service twin of the decorator inside the stream.',
    );
  }
}

/** `E_ASPECT_SYNC`: the method returned something that is not a promise. */
export class AspectSyncError extends DistributedError {
  constructor(label: string) {
    super(
      'E_ASPECT_SYNC',
      `${label}() is decorated but did not return a promise. Declare it async.`,
    );
  }
}

/** `E_CAPABILITY_MISSING`: a decorator is used whose capability the module was not given. */
export class CapabilityMissingError extends DistributedError {
  constructor(label: string, decorator: string, capability: string) {
    super(
      'E_CAPABILITY_MISSING',
      `@${decorator}() on ${label}() needs the '${capability}' capability: ` +
        `add \`${capability}: {…}\` to DistributedModule.forRoot(), or '${capability}' to the capabilities of forRootAsync().`,
    );
  }
}
