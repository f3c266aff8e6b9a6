/** T8: five masters, of which two at a time are dead, restarted or slow. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import { supports } from './capability-probe.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

const MASTERS = 5;
/** Redlock promises no token: without guard nothing may be lost, as long as no disk is wiped. */
export const redlock: Torture<LockGround> = {
  id: 'T8',
  fault: 'Redlock, 2 of 5 masters killed or frozen',
  mutations: [],
  available: (ground, settings) =>
    supports(ground, settings, { lock: { redlock: { clients: [] } } }),
  async run(ground, settings) {
    await using masters = await Masters.start();
    const { servers } = masters;
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => ({ masters: servers.map(({ url }) => url) }),
    });
    const keys = ProtectedResources.keys(3);
    await arena.startLoad({ tasks: 2, keys, leaseMs: 2_000, waitMs: 10_000 });
    let faults = 0;
    await arena.during(async () => {
      const first = arena.random.pick(servers);
      const second = arena.random.pick(servers.filter((server) => server !== first));
      faults++;
      await Promise.all([first.kill(), second.freeze()]);
      await delay(arena.random.between(100, 600));
      await Promise.all([first.restart(), second.thaw()]);
      await delay(arena.random.between(50, 300));
    });
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { overlaps, lostUnfenced } = judgement;
    return arena.outcome(
      judgement,
      tally,
      { faults, overlaps, 'backend errors': tally.backendErrors },
      broken(
        [overlaps === 0, `${overlaps} overlapping sections`],
        [lostUnfenced === 0, `${lostUnfenced} updates lost`],
      ),
    );
  },
};

/** Servers whose grants survive a restart. */
class Masters implements AsyncDisposable {
  private constructor(readonly servers: readonly RedisServer[]) {}

  static async start(): Promise<Masters> {
    const start = (): Promise<RedisServer> => RedisServer.start({ durable: true });
    return new Masters(await Promise.all(Array.from({ length: MASTERS }, start)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
