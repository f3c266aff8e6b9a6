/** A vote among masters: all are asked at once, and it ends as soon as its outcome is certain. */
import type { RedlockNode, Vote } from './redlock-node.js';

/** The votes so far. */
export interface Count<R> {
  readonly votes: readonly Vote<R>[];
  readonly answers: readonly R[];
  /** How many more may answer soon; masters that have fallen silent do not count. */
  readonly open: number;
}

/** What it takes to decide. */
export interface Poll<R, D> {
  readonly ask: (node: RedlockNode) => Promise<Vote<R>>;
  /** The outcome, or undefined while it is open. Must decide when nobody is left to answer. */
  readonly decide: (count: Count<R>) => D | undefined;
  /** Each vote, also those that come when all is decided; after the decision they belong to it. */
  readonly after?: (vote: Vote<R>) => void;
}

/** How many are more than half. */
export function majorityOf(nodes: readonly RedlockNode[]): number {
  return Math.floor(nodes.length / 2) + 1;
}

/**
 * Asks all masters. A master that left the last command unanswered is asked too, but nobody waits for
 * it: it counts as a fault until it answers (the rule of DistributedLock by M. Adelson). Unless most
 * are silent: then it was probably this process that stood still.
 */
export function poll<R, D>(nodes: readonly RedlockNode[], rules: Poll<R, D>): Promise<D> {
  return new Promise((resolve) => {
    const waiting = new Set(nodes);
    const votes: Vote<R>[] = [];
    const isSilenceRare = nodes.filter(({ silent }) => !silent).length >= majorityOf(nodes);
    let isDecided = false;
    const count = (): void => {
      if (isDecided) return;
      const open = [...waiting].filter(({ silent }) => !silent || !isSilenceRare).length;
      const answers = votes.flatMap((vote) => ('answer' in vote ? [vote.answer] : []));
      const decision = rules.decide({ votes, answers, open });
      if (decision === undefined) return;
      isDecided = true;
      for (const vote of votes) rules.after?.(vote);
      resolve(decision);
    };
    for (const node of nodes) {
      void rules.ask(node).then((vote) => {
        waiting.delete(node);
        if (isDecided) return rules.after?.(vote);
        votes.push(vote);
        count();
      });
    }
    count();
  });
}

/** Why there is no majority, for messages. */
export function faultsOf(votes: readonly Vote<unknown>[], nodes: readonly RedlockNode[]): string {
  const answered = votes.filter((vote) => 'answer' in vote).length;
  const reasons = votes.flatMap((vote) =>
    'fault' in vote ? [`${vote.node.name}: ${vote.fault}`] : [],
  );
  const asked = new Set(votes.map(({ node }) => node));
  for (const node of nodes) if (!asked.has(node)) reasons.push(`${node.name}: no answer yet`);
  const need = `${answered} of ${nodes.length} masters answered, ${majorityOf(nodes)} are needed`;
  return `${need} (${reasons.join('; ')})`;
}
