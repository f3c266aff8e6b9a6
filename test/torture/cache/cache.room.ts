/** The tortures of the cache room. */
import type { TortureRoom } from '../torture.js';
import { races } from './c01-races.scenario.js';
import { faults } from './c02-faults.scenario.js';
import { bentoCache } from './c03-bentocache.scenario.js';
import { CacheGround } from './cache-ground.js';

export const cacheRoom: TortureRoom<CacheGround> = {
  name: 'cache',
  open: () => CacheGround.open(),
  columns: [
    ['operations', 'operations'],
    ['acknowledged', 'acked'],
    ['unconfirmed', 'unconfirmed'],
    ['faults', 'faults'],
    ['stale', 'stale'],
    ['diverged', 'diverged'],
    ['hangs', 'hangs'],
    ['unhandled', 'unhandled'],
  ],
  tortures: [races, faults, bentoCache],
};
