/** Judges what processes read by what others had acknowledged before. Knows nothing of any cache. */

/** What the judge was told by a process: `key, version, at, …`. */
export interface Told {
  readonly acknowledged: readonly number[];
  readonly reads: readonly number[];
}

/** What it found. */
export interface Verdict {
  /** Reads (counted once per process, key and version) that returned what nobody may read any more. */
  readonly stale: number;
  /** How long after an acknowledgement another process still began a read of the old version, ms. */
  readonly worstLagMs: number;
  /** The first few, in words. */
  readonly examples: readonly string[];
}

interface Mark {
  readonly process: string;
  readonly version: number;
  readonly at: number;
}

const EXAMPLES = 3;

/** Collects while a run lasts, judges at its end. */
export class StalenessJudge {
  readonly #acknowledged = new Map<number, Mark[]>();
  readonly #reads = new Map<number, Mark[]>();

  /** @param process who tells it */
  tell(process: string, { acknowledged, reads }: Told): void {
    collect(this.#acknowledged, process, acknowledged);
    collect(this.#reads, process, reads);
  }

  /**
   * A process must not return an older version to a read that began after it had acknowledged the
   * invalidation itself, and no process may after somebody's acknowledgement and `boundMs`.
   */
  judge(boundMs: number): Verdict {
    let stale = 0;
    let worstLagMs = 0;
    const examples: string[] = [];
    for (const [key, reads] of this.#reads) {
      const acknowledged = this.#acknowledged.get(key) ?? [];
      const anybody = new NewerSince(acknowledged);
      const own = new Map<string, NewerSince>();
      for (const { process, version, at } of reads) {
        const mine =
          own.get(process) ?? new NewerSince(acknowledged.filter((one) => one.process === process));
        own.set(process, mine);
        const lagMs = at - anybody.than(version);
        const ownLagMs = at - mine.than(version);
        if (lagMs > worstLagMs) worstLagMs = lagMs;
        if (ownLagMs <= 0 && lagMs <= boundMs) continue;
        stale++;
        if (examples.length < EXAMPLES)
          examples.push(
            `${process} read version ${version} of key ${key} ${Math.round(lagMs)} ms after a newer one was acknowledged` +
              (ownLagMs > 0 ? `, by itself ${ownLagMs.toFixed(1)} ms ago` : ''),
          );
      }
    }
    return { stale, worstLagMs, examples };
  }
}

/** When a version newer than a given one was first acknowledged. */
class NewerSince {
  readonly #versions: number[];
  /** Earliest acknowledgement of this version or a newer one. */
  readonly #since: number[];

  constructor(marks: readonly Mark[]) {
    const sorted = marks.toSorted((a, b) => a.version - b.version);
    this.#versions = sorted.map(({ version }) => version);
    this.#since = sorted.map(({ at }) => at);
    for (let n = this.#since.length - 2; n >= 0; n--)
      this.#since[n] = Math.min(this.#since[n] as number, this.#since[n + 1] as number);
  }

  /** Infinity when never. */
  than(version: number): number {
    let low = 0;
    let high = this.#versions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#versions[middle] as number) > version) high = middle;
      else low = middle + 1;
    }
    return this.#since[low] ?? Infinity;
  }
}

function collect(into: Map<number, Mark[]>, process: string, told: readonly number[]): void {
  for (let n = 0; n + 2 < told.length; n += 3) {
    const [key, version, at] = told.slice(n, n + 3) as [number, number, number];
    const marks = into.get(key);
    if (marks) marks.push({ process, version, at });
    else into.set(key, [{ process, version, at }]);
  }
}
