/** C1: nothing is broken: loads, invalidations and messages of four processes cross each other. */
import type { Torture } from '../torture.js';
import type { CacheGround } from './cache-ground.js';
import { runLoad } from './run.js';

/** What is caught here needs no fault: it goes wrong every day. */
export const races: Torture<CacheGround> = {
  id: 'C1',
  fault: 'none',
  mutations: [
    {
      name: 'a fill is a plain SET',
      edits: [
        { where: 'cache/scripts/fill.lua', find: /if not mine then return 0 end/, replace: '' },
      ],
      caughtBy: /stale reads|differ/,
    },
    {
      name: 'what was invalidated while it was loaded enters memory',
      edits: [{ where: 'cache/cache-memory.js', find: /since\.fence\.broken \|\| /, replace: '' }],
      caughtBy: /stale reads|differ/,
      slow: true,
    },
  ],
  run: (ground, settings) =>
    runLoad(ground, settings, { subject: 'ours', writes: 0.05, faults: {} }),
};
