/** Loads in progress: callers of one key share one load, and an invalidation fences it. */

/** Tells a load whether its key was invalidated since the load began. */
export class Fence {
  #broken = false;

  /** True: what was read may be older than the invalidation and must not enter L1. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Marks the fence; it never heals. */
  break(): void {
    this.#broken = true;
  }
}

/** The loads of one cache in this process. */
export class CacheFlights {
  readonly #joinable = new Map<string, Promise<unknown>>();
  readonly #fences = new Map<string, Set<Fence>>();

  /** Loads and writes in progress; 0 when idle. */
  get size(): number {
    return this.#fences.size;
  }

  /** The load a caller of `key` may share: success and failure alike. */
  join(key: string): Promise<unknown> | undefined {
    return this.#joinable.get(key);
  }

  /** Starts the load of `key` that later callers join until it ends or is fenced. */
  start<T>(key: string, load: (fence: Fence) => Promise<T>): Promise<T> {
    const fence = this.watch(key);
    const flight: Promise<T> = load(fence).finally(() => {
      this.release(key, fence);
      if (this.#joinable.get(key) === flight) this.#joinable.delete(key);
    });
    this.#joinable.set(key, flight);
    return flight;
  }

  /** A fence for work that nobody joins; give it back with `release`. */
  watch(key: string): Fence {
    const fence = new Fence();
    const fences = this.#fences.get(key);
    if (fences) fences.add(fence);
    else this.#fences.set(key, new Set([fence]));
    return fence;
  }

  release(key: string, fence: Fence): void {
    const fences = this.#fences.get(key);
    fences?.delete(fence);
    if (fences?.size === 0) this.#fences.delete(key);
  }

  /** Fences every load of `key`; later callers start anew. */
  fence(key: string): void {
    this.#joinable.delete(key);
    for (const fence of this.#fences.get(key) ?? []) fence.break();
  }

  /** Later callers start anew; what is on its way ends as it would have. */
  detachAll(): void {
    this.#joinable.clear();
  }

  fenceAll(): void {
    for (const key of this.#fences.keys()) this.fence(key);
  }
}
