/** The verdict on a journal: nothing but what the resource itself saw. */
import type { JournalEntry } from './resource.js';

/** What the journal shows. */
export interface Judgement {
  /** Accepted writes of the guarded counters. */
  readonly acknowledged: number;
  readonly lostFenced: number;
  readonly lostUnfenced: number;
  readonly staleRejected: number;
  /** Sections of the unguarded counters with a foreign touch between their read and their write. */
  readonly overlaps: number;
  /** Reads whose fencing token is not larger than that of the read before. */
  readonly disorder: number;
  /** Grants of the store with a smaller token than one granted before they were asked for. */
  readonly regressions: number;
}

/** Judges entries that are in the resource's order per key. */
export function judge(entries: readonly JournalEntry[]): Judgement {
  const keys = [...groupByKey(entries).values()];
  const sum = (figure: (ofKey: readonly JournalEntry[]) => number): number =>
    keys.reduce((total, ofKey) => total + figure(ofKey), 0);
  const guarded = (ofKey: readonly JournalEntry[]) => ofKey.filter((entry) => entry.guarded);
  const plain = (ofKey: readonly JournalEntry[]) => ofKey.filter((entry) => !entry.guarded);
  return {
    acknowledged: entries.filter(({ guarded: on, kind }) => on && kind === 'write').length,
    lostFenced: sum((ofKey) => lost(guarded(ofKey))),
    lostUnfenced: sum((ofKey) => lost(plain(ofKey))),
    staleRejected: entries.filter(({ kind }) => kind.startsWith('refused')).length,
    overlaps: sum((ofKey) => overlaps(plain(ofKey))),
    disorder: sum((ofKey) => disorder(plain(ofKey))),
    regressions: sum((ofKey) => regressions(plain(ofKey))),
  };
}

/** Each write adds one, so what the last value lacks was overwritten. */
function lost(entries: readonly JournalEntry[]): number {
  const writes = entries.filter(({ kind }) => kind === 'write');
  return writes.length - (writes.at(-1)?.value ?? 0);
}

function overlaps(entries: readonly JournalEntry[]): number {
  let count = 0;
  let lastWrite = -1;
  const open = new Map<string, number>();
  for (const [position, entry] of entries.entries()) {
    const section = sectionOf(entry);
    const readAt = open.get(section);
    if (entry.kind === 'write') {
      if (readAt !== undefined && position > readAt + 1) count++;
      lastWrite = position;
    } else if (readAt !== undefined && lastWrite > readAt) {
      // A reader's second look.
      count++;
    }
    open.set(section, readAt ?? position);
  }
  return count;
}

/**
 * A lease that passes from one caller to the next inside a process was asked for by the first of
 * them, and its tokens were reserved then: it may be lost since, but it is not given out anew.
 */
function withLeaseStart(reads: readonly JournalEntry[]): JournalEntry[] {
  const started = new Map<string, number>();
  return reads
    .toSorted((a, b) => a.grantedAt - b.grantedAt)
    .map((read) => {
      const { process, fence } = read;
      const invokedAt = started.get(`${process} ${fence - 1}`) ?? read.invokedAt;
      started.set(`${process} ${fence}`, invokedAt);
      return { ...read, invokedAt };
    });
}

/** The most sections that were open at once, of those that were finished. */
export function concurrency(entries: readonly JournalEntry[]): number {
  let most = 0;
  for (const ofKey of groupByKey(entries.filter(({ guarded }) => !guarded)).values()) {
    const finished = new Set(ofKey.filter(({ kind }) => kind === 'write').map(sectionOf));
    let open = 0;
    for (const entry of ofKey) {
      if (!finished.has(sectionOf(entry))) continue;
      open += entry.kind === 'read' ? 1 : -1;
      most = Math.max(most, open);
    }
  }
  return most;
}

function sectionOf({ process, operation }: JournalEntry): string {
  return `${process} ${operation}`;
}

function disorder(entries: readonly JournalEntry[]): number {
  const reads = entries.filter(({ kind }) => kind === 'read');
  return reads.filter(({ fence }, n) => n > 0 && fence <= (reads[n - 1]?.fence ?? 0)).length;
}

function regressions(entries: readonly JournalEntry[]): number {
  const reads = withLeaseStart(entries.filter(({ kind }) => kind === 'read'));
  const byGrant = reads.toSorted((a, b) => a.grantedAt - b.grantedAt);
  const byInvocation = reads.toSorted((a, b) => a.invokedAt - b.invokedAt);
  let largest = 0;
  let granted = 0;
  let count = 0;
  for (const { invokedAt, fence } of byInvocation) {
    for (let next = byGrant[granted]; next && next.grantedAt < invokedAt; next = byGrant[granted]) {
      largest = Math.max(largest, next.fence);
      granted++;
    }
    if (fence <= largest) count++;
  }
  return count;
}

function groupByKey(entries: readonly JournalEntry[]): Map<string, JournalEntry[]> {
  const groups = new Map<string, JournalEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key);
    if (group) group.push(entry);
    else groups.set(entry.key, [entry]);
  }
  return groups;
}
