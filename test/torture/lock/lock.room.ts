/** The tortures of the lock room, in the order of the specification. */
import type { TortureRoom } from '../torture.js';
import { LockGround } from './lock-ground.js';
import { noFault } from './t01-no-fault.scenario.js';
import { frozenHolders } from './t02-frozen-holders.scenario.js';
import { killedProcesses } from './t03-killed-processes.scenario.js';
import { forgetfulRedis } from './t04-forgetful-redis.scenario.js';
import { sickNetwork } from './t05-sick-network.scenario.js';
import { frozenRedis } from './t06-frozen-redis.scenario.js';
import { durableFailovers } from './t07-durable-failovers.scenario.js';
import { lossyFailover } from './t07-lossy-failover.scenario.js';
import { redlock } from './t08-redlock.scenario.js';
import { lyingClocks } from './t09-lying-clocks.scenario.js';
import { linearizableHistory } from './t10-linearizable-history.scenario.js';
import { readersAndWriters, semaphorePermits } from './t11-shared-and-semaphore.scenario.js';
import { cron } from './t12-cron.scenario.js';
import { leaders } from './t13-leaders.scenario.js';

export const lockRoom: TortureRoom<LockGround> = {
  name: 'lock',
  open: () => LockGround.open(),
  columns: [
    ['acknowledged', 'acked'],
    ['lostFenced', 'lost, fenced'],
    ['lostUnfenced', 'lost, unfenced'],
    ['staleRejected', 'stale rejected'],
    ['hangs', 'hangs'],
    ['unhandled', 'unhandled'],
  ],
  tortures: [
    noFault,
    frozenHolders,
    killedProcesses,
    forgetfulRedis,
    sickNetwork,
    frozenRedis,
    lossyFailover,
    durableFailovers,
    redlock,
    lyingClocks,
    linearizableHistory,
    readersAndWriters,
    semaphorePermits,
    cron,
    leaders,
  ],
};
