/** What the answers of masters mean together, said as soon as no further answer can change it. */
import { LockBackendError } from './lock.errors.js';
import type { LockState, ReleaseReply } from './lock.store.js';
import type { RedlockNode, Vote } from './redlock-node.js';
import { type Count, faultsOf, majorityOf } from './redlock-poll.js';
import type { RedlockHolder } from './redlock-scripts.js';

/** What `deleted` votes taken back mean, when so many have answered. */
export function releaseReply(
  deleted: number,
  answered: number,
  nodes: readonly RedlockNode[],
): ReleaseReply {
  const majority = majorityOf(nodes);
  if (deleted >= majority) return 'deleted';
  return deleted + nodes.length - answered >= majority ? 'unsure' : 'absent';
}

/** Decided by as few answers as it takes. */
export function renewalOf(
  { votes, open }: Count<readonly (boolean | undefined)[]>,
  index: number,
  nodes: readonly RedlockNode[],
): PromiseSettledResult<boolean> | undefined {
  const majority = majorityOf(nodes);
  const answers = votes.flatMap((vote) => ('answer' in vote ? [vote.answer[index]] : []));
  const yes = answers.filter((answer) => answer === true).length;
  const no = answers.filter((answer) => answer === false).length;
  if (yes >= majority) return { status: 'fulfilled', value: true };
  if (nodes.length - no < majority) return { status: 'fulfilled', value: false };
  if (yes + open >= majority || no + open > nodes.length - majority) return undefined;
  return { status: 'rejected', reason: noMajority(votes, nodes, 'unknown') };
}

/** With a majority of answers nobody holds it any more; without one, nobody knows. */
export function releaseOf(
  { votes, answers, open }: Count<boolean>,
  nodes: readonly RedlockNode[],
): ReleaseReply | Error | undefined {
  const majority = majorityOf(nodes);
  const deleted = answers.filter(Boolean).length;
  const reply = releaseReply(deleted, answers.length, nodes);
  if (reply !== 'unsure') return reply;
  if (open > 0) return undefined;
  return answers.length >= majority ? reply : noMajority(votes, nodes, 'unknown');
}

/** A holder is who has a majority; nobody is certain once nobody can have one any more. */
export function stateOf(
  { votes, answers, open }: Count<RedlockHolder | null>,
  nodes: readonly RedlockNode[],
): { state: LockState | null } | Error | undefined {
  const majority = majorityOf(nodes);
  const leases = new Map<string, number[]>();
  for (const holder of answers) {
    if (!holder) continue;
    const left = leases.get(holder.owner);
    if (left) left.push(holder.remainingMs);
    else leases.set(holder.owner, [holder.remainingMs]);
  }
  let most = 0;
  for (const [owner, left] of leases) {
    most = Math.max(most, left.length);
    // The lease is over when the majority is.
    const remainingMs = left.toSorted((a, b) => b - a)[majority - 1];
    if (remainingMs !== undefined)
      return { state: { owner, fencingToken: 0, remainingMs, waiters: 0 } };
  }
  if (most + nodes.length - answers.length < majority) return { state: null };
  return open > 0 ? undefined : noMajority(votes, nodes, 'no');
}

function noMajority(
  votes: readonly Vote<unknown>[],
  nodes: readonly RedlockNode[],
  executed: 'no' | 'unknown',
): LockBackendError {
  return new LockBackendError(faultsOf(votes, nodes), { executed });
}
