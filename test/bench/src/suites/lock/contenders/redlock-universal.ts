/** redlock-universal over one server in its fastest mode (`lean`), retrying without limit. */
import { CommandCounter, CountingRedis } from '../../../harness/counting-client.js';
import { peer } from '../../../harness/peer.js';
import { LEASE_MS, type LockContender } from '../contender.js';
import { heldSection } from '../held-section.js';

interface UniversalLock {
  acquire(): Promise<object>;
  release(handle: object): Promise<boolean>;
  using(body: (signal: AbortSignal) => Promise<void>): Promise<unknown>;
}

interface RedlockUniversal {
  IoredisAdapter: new (client: CountingRedis) => object;
  createLock(options: {
    adapter: object;
    key: string;
    ttl: number;
    retryAttempts: number;
    performance: 'lean';
  }): UniversalLock;
}

/** As good as unlimited; it insists on a finite number. */
const RETRIES = 1_000_000;

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openRedlockUniversal(url: string): Promise<LockContender> {
  const { createLock, IoredisAdapter } = await peer<RedlockUniversal>('redlock-universal');
  const commands = new CommandCounter();
  const client = new CountingRedis(url, commands);
  const adapter = new IoredisAdapter(client);
  const lockOf = (key: string, ttl: number): UniversalLock =>
    createLock({ adapter, key, ttl, retryAttempts: RETRIES, performance: 'lean' });
  return {
    commands,
    async acquire(key) {
      const lock = lockOf(key, LEASE_MS);
      const handle = await lock.acquire();
      return () => lock.release(handle);
    },
    hold: (key, leaseMs, onLost) => heldSection((body) => lockOf(key, leaseMs).using(body), onLost),
    async close() {
      client.disconnect();
    },
  };
}
