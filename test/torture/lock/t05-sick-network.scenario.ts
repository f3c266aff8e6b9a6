/** T5: lost replies, half-open connections, jitter, and messages that stop while commands go on. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import { createFaultProxy } from 'nestjs-distributed/testing';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { askThroughFaults, type Network, type NetworkAnswers } from './network-probes.js';
import { ProtectedResources } from './protected-resources.js';

const LEASE_MS = 800;
const PROCESSES = 4;

/** One network per process. */
class Networks implements AsyncDisposable {
  private constructor(readonly networks: readonly Network[]) {}

  static async open(url: string, count: number): Promise<Networks> {
    const pair = async (): Promise<Network> => ({
      commands: await createFaultProxy(url),
      messages: await createFaultProxy(url),
    });
    return new Networks(await Promise.all(Array.from({ length: count }, pair)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.networks.flatMap(({ commands, messages }) => [commands.stop(), messages.stop()]),
    );
  }
}

/** Three processes under load behind sick networks; one more is asked after single faults. */
export const sickNetwork: Torture<LockGround> = {
  id: 'T5',
  fault: 'lost replies, half-open, jitter, mute pub/sub',
  mutations: [
    {
      name: 'no fallback poll',
      edits: [{ where: 'lock', find: /POLL_MS = 1_000/, replace: 'POLL_MS = 60_000' }],
      caughtBy: /without messages/,
    },
    {
      name: 'no chase of an unanswered acquisition',
      edits: [
        {
          where: 'lock',
          find: /start\(target\) \{/,
          replace: 'start(target) { return;',
        },
      ],
      caughtBy: /orphan/,
    },
    {
      name: 'acquire is not idempotent',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /local owner = redis\.call\('GET', KEYS\[1\]\)(?=\nif|\nlocal)/,
          replace: "$&\nif owner == ARGV[1] then return {0, redis.call('PTTL', KEYS[1]), 0} end",
        },
      ],
      caughtBy: /lost reply/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    await using proxies = await Networks.open(redis.url, PROCESSES);
    const { networks } = proxies;
    await using arena = await Arena.open(ground, settings, {
      workers: PROCESSES,
      redis: (n) => {
        const { commands, messages } = networks[n] as Network;
        return { url: commands.url(), subscriberPort: messages.port };
      },
    });
    const [asked, holder, ...loaded] = arena.workers as [Worker, Worker, ...Worker[]];
    const [probed, , ...sick] = networks as [Network, Network, ...Network[]];
    const keys = ProtectedResources.keys(3);
    const load = { tasks: 3, keys, leaseMs: LEASE_MS, waitMs: 5_000 };
    await Promise.all([holder, ...loaded].map((worker) => worker.call('startLoad', load)));
    const answers: NetworkAnswers[] = [];
    const asking = arena.during(async () => {
      answers.push(await askThroughFaults(answers.length, { asked, holder, network: probed }));
    });
    const disturbing = arena.during(() => disturb(arena, sick));
    await Promise.all([asking, disturbing]);
    await Promise.all(sick.flatMap(({ commands, messages }) => [commands.heal(), messages.heal()]));
    arena.workers.splice(0, 1);
    const tally = await arena.stopLoad();
    const worst = (name: keyof NetworkAnswers): number =>
      Math.max(...answers.map((answer) => answer[name]));
    const [replyLost, mute, orphan] = [worst('replyLost'), worst('mute'), worst('orphan')];
    return arena.outcome(
      await arena.judge(),
      tally,
      {
        probes: answers.length,
        'reply lost: ms over the limit': Math.round(replyLost),
        'mute pub/sub: ms over the limit': Math.round(mute),
        'orphan: ms over the limit': Math.round(orphan),
        'backend errors': tally.backendErrors,
        'losses told': tally.losses,
      },
      broken(
        [replyLost <= 0, `${replyLost} ms too late on a free key after a lost reply`],
        [mute <= 0, `${mute} ms too late without messages`],
        [orphan <= 0, `${orphan} ms too late: an orphan of an unanswered acquisition`],
      ),
    );
  },
};

async function disturb({ random }: Arena, networks: readonly Network[]): Promise<void> {
  const { commands, messages } = random.pick(networks);
  const faults: (() => unknown)[] = [
    () => commands.dropNextReply({ to: 'evalsha' }),
    () => commands.dropNextReply({ to: 'evalsha', keepOpen: true }),
    () => commands.blackhole('both'),
    () => commands.latency(random.between(0, 200)),
    () => commands.resetAll(),
    () => messages.blackhole('down'),
    () => messages.resetAll(),
  ];
  random.pick(faults)();
  await delay(random.between(50, 500));
  await Promise.all([commands.heal(), messages.heal()]);
  await delay(random.between(20, 100));
}
