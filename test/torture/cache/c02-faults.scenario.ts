/** C2: everything that can break is broken, one thing after the other. */
import type { Torture } from '../torture.js';
import type { CacheGround } from './cache-ground.js';
import { FAULTS } from './faults.js';
import { runLoad } from './run.js';

/** The long run: `--only C2 --ops 10000000`. */
export const faults: Torture<CacheGround> = {
  id: 'C2',
  fault: 'KILL, PAUSE, SIGSTOP, FLUSHALL, eviction, late messages',
  mutations: [
    {
      name: 'a node does not listen for its own echo',
      edits: [
        {
          where: 'cache/invalidation-bus.js',
          find: /return this\.#connected && now - [^;]*;/,
          replace: 'return this.#connected;',
        },
      ],
      caughtBy: /stale reads|differ/,
      slow: true,
    },
    {
      name: 'a reconnected node trusts its memory',
      edits: [
        { where: 'cache/invalidation-bus.js', find: /this\.#startEpoch\('up'\);/, replace: '' },
      ],
      caughtBy: /stale reads|differ/,
    },
  ],
  run: (ground, settings) =>
    runLoad(ground, settings, { subject: 'ours', writes: 0.005, faults: FAULTS }),
};
