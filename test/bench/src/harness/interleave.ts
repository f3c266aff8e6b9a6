/** Runs competitors side by side, so that noise of the machine meets all of them alike. */

/** One competitor: runs a block and returns what it measured. */
export interface Block<T> {
  readonly name: string;
  run(round: number): Promise<T>;
}

/** How often to run. */
export interface InterleaveOptions {
  readonly rounds: number;
  /** Rounds before, whose results are dropped. Default 0. */
  readonly warmUp?: number;
  /** A competitor that has run longer than this sits out the further rounds, ms. Default: none does. */
  readonly budgetMs?: number;
}

/**
 * Each round runs each block once, in an order that rotates: nobody always comes after the same
 * neighbour. Everybody runs at least one round.
 * @returns the results of each block, by name, in the order of rounds
 */
export async function interleave<T>(
  blocks: readonly Block<T>[],
  options: InterleaveOptions,
): Promise<Map<string, T[]>> {
  const { rounds, warmUp = 0, budgetMs = Number.POSITIVE_INFINITY } = options;
  const results = new Map<string, T[]>(blocks.map(({ name }) => [name, []]));
  const spent = new Map<string, number>();
  for (let round = -warmUp; round < rounds; round++) {
    for (const { name, run } of rotated(blocks, round + warmUp)) {
      if ((spent.get(name) ?? 0) > budgetMs) continue;
      const startedAt = performance.now();
      const result = await run(round);
      if (round < 0) continue;
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - startedAt);
      results.get(name)?.push(result);
    }
  }
  return results;
}

/** The items from number `by` on, then those before it. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const first = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
