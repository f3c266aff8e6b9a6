/** node-redlock (`redlock` on npm) over one server, with its own delays, retrying without limit. */
import { CommandCounter, CountingRedis } from '../../../harness/counting-client.js';
import { peer } from '../../../harness/peer.js';
import { LEASE_MS, type LockContender } from '../contender.js';
import { heldSection } from '../held-section.js';

interface Redlock {
  acquire(keys: string[], ms: number): Promise<{ release(): Promise<unknown> }>;
  using(keys: string[], ms: number, body: (signal: AbortSignal) => Promise<void>): Promise<unknown>;
}

interface NodeRedlock {
  default: new (clients: CountingRedis[], settings: { retryCount: number }) => Redlock;
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openNodeRedlock(url: string): Promise<LockContender> {
  const { default: Redlock } = await peer<NodeRedlock>('redlock');
  const commands = new CommandCounter();
  const client = new CountingRedis(url, commands);
  const redlock = new Redlock([client], { retryCount: -1 });
  // It would also repeat the release of a lost lock for ever.
  const impatient = new Redlock([client], { retryCount: 0 });
  return {
    commands,
    async acquire(key) {
      const lock = await redlock.acquire([key], LEASE_MS);
      return () => lock.release();
    },
    hold: (key, leaseMs, onLost) =>
      heldSection((body) => impatient.using([key], leaseMs, body), onLost),
    async close() {
      client.disconnect();
    },
  };
}
