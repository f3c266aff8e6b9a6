/** The object a lock claims to be: one holder, tokens that grow, leases that end by themselves. */
import type { Operation, SequentialModel } from '../linearizability.js';
import type { HistoryEvent } from './worker-contract.js';

/** What is done to a lock; `id` names the acquisition. */
export type MutexInput =
  | { readonly kind: 'acquire'; readonly id: string; readonly fence: number }
  /** Its caller died before it knew: perhaps it never happened. */
  | { readonly kind: 'acquire-unknown'; readonly id: string }
  | { readonly kind: 'release'; readonly id: string }
  /** The release of a lock that was lost, or whose outcome nobody knows. */
  | { readonly kind: 'release-lost'; readonly id: string }
  /** The end of a lease. It may come at any time after the deadline, which is when it is called. */
  | { readonly kind: 'expire'; readonly id: string };

/** Who holds it, and the largest token so far. */
export interface MutexState {
  readonly holder: string | null;
  readonly fence: number;
}

/** A mutex with fencing tokens; leases end as a nondeterministic release. */
export const fencedMutex: SequentialModel<MutexState, MutexInput> = {
  initial: { holder: null, fence: 0 },
  key: ({ holder, fence }) => `${holder} ${fence}`,
  step: (state, input) => {
    const { holder, fence } = state;
    const free: MutexState = { holder: null, fence };
    switch (input.kind) {
      case 'acquire':
        if (holder !== null || input.fence <= fence) return [];
        return [{ holder: input.id, fence: input.fence }];
      case 'acquire-unknown':
        return holder === null ? [state, { holder: input.id, fence }] : [state];
      case 'release':
        return holder === input.id ? [free] : [];
      case 'release-lost':
      case 'expire':
        return [holder === input.id ? free : state];
    }
  },
};

/** What is known of one acquisition. */
interface Acquisition {
  readonly id: string;
  readonly calledAt: number;
  refused?: boolean;
  acquiredAt?: number;
  fence?: number;
  /** The last deadline its process told: its lease cannot end before. */
  deadline?: number;
  releaseAt?: number;
  releasedAt?: number;
  outcome?: string;
}

/** The operations of one key, out of what its processes told. */
export function operationsOf(events: readonly HistoryEvent[]): Operation<MutexInput>[] {
  const acquisitions = new Map<string, Acquisition>();
  for (const event of events) {
    if (event.type === 'acquire') {
      acquisitions.set(event.id, { id: event.id, calledAt: event.at });
      continue;
    }
    const acquisition = acquisitions.get(event.id);
    if (acquisition) learn(acquisition, event);
  }
  return [...acquisitions.values()].flatMap(operationsOfAcquisition);
}

function learn(acquisition: Acquisition, event: HistoryEvent): void {
  switch (event.type) {
    case 'acquired':
      acquisition.acquiredAt = event.at;
      acquisition.fence = event.fence;
      acquisition.deadline = event.deadline;
      break;
    case 'held':
      acquisition.deadline = Math.max(acquisition.deadline ?? 0, event.deadline);
      break;
    case 'refused':
      acquisition.refused = true;
      break;
    case 'release':
      acquisition.releaseAt = event.at;
      break;
    case 'released':
      acquisition.releasedAt = event.at;
      acquisition.outcome = event.outcome;
      break;
    case 'acquire':
      break;
  }
}

function operationsOfAcquisition(acquisition: Acquisition): Operation<MutexInput>[] {
  const { id, calledAt, acquiredAt, fence, deadline, refused } = acquisition;
  const never = Infinity;
  const expiry = (from: number): Operation<MutexInput> => ({
    calledAt: from,
    returnedAt: never,
    input: { kind: 'expire', id },
  });
  if (acquiredAt === undefined || fence === undefined) {
    // Refused by a wait that was over: nobody of this history loses replies, so nothing was granted.
    if (refused) return [];
    const input = { kind: 'acquire-unknown', id } as const;
    return [{ calledAt, returnedAt: never, input }, expiry(calledAt)];
  }
  const acquire: Operation<MutexInput> = {
    calledAt,
    returnedAt: acquiredAt,
    input: { kind: 'acquire', id, fence },
  };
  const { releaseAt, releasedAt, outcome } = acquisition;
  if (releaseAt !== undefined && releasedAt !== undefined && outcome === 'released') {
    const input = { kind: 'release', id } as const;
    return [acquire, { calledAt: releaseAt, returnedAt: releasedAt, input }];
  }
  const end = expiry(Math.max(acquiredAt, deadline ?? acquiredAt));
  if (releaseAt === undefined) return [acquire, end];
  const input = { kind: 'release-lost', id } as const;
  return [acquire, { calledAt: releaseAt, returnedAt: never, input }, end];
}
