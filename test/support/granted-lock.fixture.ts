/** A lock as a holder sees it, with the token a test wants: specs of the resource need no lock server. */
import { Lock, type ReleaseOutcome } from '../../libs/distributed/src/lock/index.js';

/** Believes for ever that it is held, as a frozen holder does. */
export class GrantedLock extends Lock {
  readonly signal = new AbortController().signal;
  readonly remaining = 10_000;
  readonly held = true;
  readonly loss = undefined;

  constructor(
    readonly key: string,
    readonly fencingToken: number,
  ) {
    super();
  }

  assertHeld(): void {}

  async extend(): Promise<void> {}

  async release(): Promise<ReleaseOutcome> {
    return 'released';
  }
}
