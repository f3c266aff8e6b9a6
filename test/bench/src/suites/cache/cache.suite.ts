/** `npm run bench -- cache`: ours beside the cache libraries of npm. */
import type { Suite } from '../../suite.js';
import { commands } from './commands.part.js';
import { hungRedis } from './hung-redis.part.js';
import { l1Hit } from './l1-hit.part.js';
import { l2Hit } from './l2-hit.part.js';
import { memory } from './memory.part.js';
import { stampede10k } from './stampede.part.js';
import { invalidateVisible } from './visible.part.js';

/** Cheap checks first, what disturbs a server last. */
export const cacheSuite: Suite = {
  name: 'cache',
  parts: [commands, l1Hit, l2Hit, stampede10k, invalidateVisible, memory, hungRedis],
  targets: [
    { metric: 'l1Hit.ratioToFastestPeer', bound: 0.5 },
    { metric: 'l1Hit.redisCommands', bound: 0, kind: 'exactly' },
    { metric: 'stampede10k.factoryCalls', bound: 1, kind: 'exactly' },
    { metric: 'hungRedis.staleServedMs', bound: 5 },
    { metric: 'hungRedis.coldMs', bound: 155 },
    { metric: 'invalidateVisible.p99Ms', bound: 10 },
    { metric: 'fillMessages', bound: 0, kind: 'exactly' },
    { metric: 'bytesPerEntryOverhead', bound: 200 },
  ],
};
