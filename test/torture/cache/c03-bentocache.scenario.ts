/** C3: the run of C2 on BentoCache must show stale values: it proves that the run can. */
import type { Torture } from '../torture.js';
import { bentoModules } from './bento-subject.js';
import type { CacheGround } from './cache-ground.js';
import { FAULTS } from './faults.js';
import { runLoad } from './run.js';

/** Needs what `npm run bench -- cache` installs. */
export const bentoCache: Torture<CacheGround> = {
  id: 'C3',
  fault: 'the same on BentoCache, which must not pass',
  mutations: [],
  available: async () => (await bentoModules()) !== undefined,
  async run(ground, settings) {
    const outcome = await runLoad(ground, settings, {
      subject: 'bentocache',
      writes: 0.005,
      faults: FAULTS,
    });
    const bites = outcome.stale + outcome.diverged > 0;
    const violations = bites ? [] : ['the run found nothing wrong with BentoCache either'];
    const perMillion = Math.round((outcome.stale / outcome.operations) * 1e6);
    return {
      ...outcome,
      violations,
      notes: { ...outcome.notes, 'stale reads per million': perMillion },
    };
  },
};
