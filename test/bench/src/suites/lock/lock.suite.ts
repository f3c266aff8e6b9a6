/** `npm run bench -- lock`: ours beside the lock libraries of npm and beside bare Redis commands. */
import type { Suite } from '../../suite.js';
import { counting } from './counting.part.js';
import { cross } from './cross.part.js';
import { idleWaiter } from './idle-waiter.part.js';
import { local } from './local.part.js';
import { lostSignal } from './lost-signal.part.js';
import { uncontended } from './uncontended.part.js';

/** Cheap checks first, what disturbs the server last. */
export const lockSuite: Suite = {
  name: 'lock',
  // The part that compares microseconds goes first, in a process that has done nothing else yet.
  parts: [uncontended, counting, local, cross, idleWaiter, lostSignal],
  targets: [
    { metric: 'uncontended.commands', bound: 2, kind: 'exactly' },
    { metric: 'uncontended.ratioToFloor', bound: 1.2 },
    { metric: 'local100.totalMs', bound: 10 },
    { metric: 'local100.commandsPerHandoff', bound: 0.2 },
    { metric: 'cross4x25.totalMs', bound: 575 },
    { metric: 'cross4x25.commandsPerHandoff', bound: 0.6 },
    { metric: 'cross4x25strict.totalMs', bound: 625 },
    { metric: 'cross4x25strict.commandsPerHandoff', bound: 3.2 },
    { metric: 'lostSignal.lateMs.p100', bound: 20 },
    { metric: 'idleWaiter.commandsPerSecond', bound: 1 },
  ],
};
