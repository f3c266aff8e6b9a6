/**
 * Whether a history could have happened one operation at a time: the algorithm of Wing & Gong with
 * Lowe's memoisation, as in Porcupine. Check each key's history by itself: a history is linearizable
 * exactly when those of all its objects are (P-compositionality).
 */

/** One operation, from its call to its return. */
export interface Operation<I> {
  readonly calledAt: number;
  /** `Infinity` when it never returned: then it took effect at any later time. */
  readonly returnedAt: number;
  readonly input: I;
}

/** What the object may do. */
export interface SequentialModel<S, I> {
  readonly initial: S;
  /** All states the operation may lead to; none when it cannot happen in `state`. */
  step(state: S, input: I): readonly S[];
  /** Equal for equal states. */
  key(state: S): string;
}

/** `unknown`: the budget was not enough. */
export type Verdict = 'linearizable' | 'not-linearizable' | 'unknown';

/** A call or a return in the list of what is not yet linearized. */
interface Entry {
  readonly operation: number;
  readonly isCall: boolean;
  partner: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** An operation that was tried, and what was before it. */
interface Choice<S> {
  readonly entry: Entry;
  readonly states: readonly S[];
}

/** @param budget how many operations may be tried in all */
export function checkHistory<S, I>(
  model: SequentialModel<S, I>,
  operations: readonly Operation<I>[],
  budget = 2_000_000,
): Verdict {
  const head = timeline(operations);
  const done = new LinearizedSet();
  const seen = new Set<string>();
  const choices: Choice<S>[] = [];
  let states: readonly S[] = [model.initial];
  let entry = head.next;
  while (head.next) {
    if (budget-- === 0) return 'unknown';
    // Every call has a return behind it, so the list ends with a return.
    if (!entry) throw new Error('a call without return');
    if (entry.isCall) {
      const input = operations[entry.operation]?.input as I;
      const after = distinct(model, states, input);
      if (after.length > 0 && isNew(seen, done, entry.operation, model, after)) {
        choices.push({ entry, states });
        states = after;
        done.add(entry.operation);
        lift(entry);
        entry = head.next;
      } else {
        entry = entry.next;
      }
      continue;
    }
    // It returned, and nothing that was tried put it before this instant: the last choice was wrong.
    const last = choices.pop();
    if (!last) return 'not-linearizable';
    done.delete(last.entry.operation);
    states = last.states;
    unlift(last.entry);
    entry = last.entry.next;
  }
  return 'linearizable';
}

/** Calls and returns in the order of time; at the same instant calls come first, so they overlap. */
function timeline(operations: readonly Operation<unknown>[]): Entry {
  const events = operations.flatMap(({ calledAt, returnedAt }, operation) => [
    { at: calledAt, isCall: true, operation },
    { at: returnedAt, isCall: false, operation },
  ]);
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at));
  const none = { partner: undefined, previous: undefined, next: undefined };
  const head: Entry = { operation: -1, isCall: false, ...none };
  const calls = new Map<number, Entry>();
  let last = head;
  for (const { operation, isCall } of events) {
    const entry: Entry = { operation, isCall, ...none, previous: last };
    last.next = entry;
    last = entry;
    if (isCall) {
      calls.set(operation, entry);
      continue;
    }
    const call = calls.get(operation);
    if (call) call.partner = entry;
  }
  return head;
}

/** The states after `input`, from any of `states`: the model may leave more than one open. */
function distinct<S, I>(
  model: SequentialModel<S, I>,
  states: readonly S[],
  input: I,
): readonly S[] {
  const after = new Map<string, S>();
  for (const state of states)
    for (const next of model.step(state, input)) after.set(model.key(next), next);
  return [...after.values()];
}

/** Lowe: the same set of operations with the same outcome need not be searched twice. */
function isNew<S, I>(
  seen: Set<string>,
  done: LinearizedSet,
  operation: number,
  model: SequentialModel<S, I>,
  after: readonly S[],
): boolean {
  const keys = after.map((state) => model.key(state)).toSorted();
  const memo = `${done.keyWith(operation)}|${keys.join('|')}`;
  if (seen.has(memo)) return false;
  seen.add(memo);
  return true;
}

function lift(call: Entry): void {
  for (const entry of [call, call.partner]) {
    if (!entry?.previous) continue;
    entry.previous.next = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
  }
}

function unlift(call: Entry): void {
  for (const entry of [call.partner, call]) {
    if (!entry?.previous) continue;
    entry.previous.next = entry;
    if (entry.next) entry.next.previous = entry;
  }
}

/** A set of numbers that is nearly an initial segment, with a short text for each of its states. */
class LinearizedSet {
  readonly #beyond = new Set<number>();
  #below = 0;

  add(operation: number): void {
    this.#beyond.add(operation);
    while (this.#beyond.delete(this.#below)) this.#below++;
  }

  delete(operation: number): void {
    while (this.#below > operation) this.#beyond.add(--this.#below);
    this.#beyond.delete(operation);
  }

  keyWith(operation: number): string {
    this.add(operation);
    const key = `${this.#below}:${[...this.#beyond].toSorted((a, b) => a - b).join()}`;
    this.delete(operation);
    return key;
  }
}
