/**
 * Runs a scenario of two nodes in every order its steps can take. A schedule is a list of choices; the
 * next one changes the last choice that can be changed.
 */
import { type Scenario, World } from './cache-world.fixture.js';

/** How an exploration ended. */
export interface Exploration {
  readonly schedules: number;
  /** Whether every schedule was run, and not just as many as allowed. */
  readonly complete: boolean;
  readonly violation: string | undefined;
}

/**
 * Runs up to `limit` schedules: every second one is the next in order, the others are drawn, so that a
 * large scenario is seen from all sides. Stops at the first violation.
 */
export async function explore(scenario: Scenario, limit: number): Promise<Exploration> {
  const path = new SchedulePath();
  const random = seeded(scenario.name.length);
  let schedules = 0;
  while (schedules < limit && !path.complete) {
    const drawn = schedules++ % 2 === 1;
    const violation = await runOnce(
      scenario,
      drawn ? (of) => Math.floor(random() * of) : (of) => path.choose(of),
    );
    if (violation) return { schedules, complete: false, violation };
    if (!drawn) path.advance();
  }
  return { schedules, complete: path.complete, violation: undefined };
}

/** The choices of one schedule, and how to get to the next: depth first. */
class SchedulePath {
  readonly #choices: { choice: number; readonly of: number }[] = [];
  #depth = 0;
  complete = false;

  choose(of: number): number {
    const known = (this.#choices[this.#depth] ??= { choice: 0, of });
    this.#depth++;
    return known.choice;
  }

  advance(): void {
    this.#depth = 0;
    for (let last = this.#choices.at(-1); last; last = this.#choices.at(-1)) {
      if (++last.choice < last.of) return;
      this.#choices.pop();
    }
    this.complete = true;
  }
}

async function runOnce(
  scenario: Scenario,
  choose: (count: number) => number,
): Promise<string | undefined> {
  const world = new World(scenario);
  for (const { cache } of world.nodes) void cache.bus.start();
  if (scenario.before) {
    void scenario.before(world);
    await world.run(() => 0);
  }
  const programs = scenario.programs.map(async (program, index) => {
    await world.gate(`program ${index} starts`);
    return program(world);
  });
  await world.run(choose);
  await Promise.all(programs);
  // Everything has been said and heard: every node must know the truth, after one refresh at most.
  // Longer than a node waits before it tries again what another one was at.
  world.clock.pass(2_000);
  for (const turn of ['refresh', 'check'])
    for (const node of world.nodes) {
      const answer = world.get(node);
      await world.run(() => 0);
      const seen = await answer;
      if (turn === 'check' && seen !== world.row)
        world.violations.push(`in the end ${node.name} got ${seen} of ${world.row}`);
    }
  for (const { cache } of world.nodes) await cache.close();
  const [violation] = world.violations;
  return violation && `${violation}\n${world.trace.join('\n')}`;
}

/** A small generator of numbers in [0, 1): mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
