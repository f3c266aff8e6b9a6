/** Before anything is counted: does counting tell the truth? */
import { agreesWithMonitor } from '../../harness/monitor.js';
import type { Part } from '../../suite.js';
import { openContender, WAITING } from './contenders/index.js';
import { storm, warmUp } from './storm.js';

/** Every competitor under MONITOR: cycles, then a few waiters. Has no figures; fails when it must. */
export const counting: Part = {
  name: 'counting',
  async run({ redis }) {
    for (const name of [...Object.keys(WAITING), 'floor']) {
      const contender = await openContender(name, redis.url);
      // While a client connects, ioredis passes commands on twice; nobody measures that time.
      if (name in WAITING) await warmUp([contender]);
      await agreesWithMonitor(redis.url, name, contender.commands, async () => {
        for (let cycle = 0; cycle < 10; cycle++) await (await contender.acquire('counting'))();
        if (name in WAITING) await storm(contender, { key: 'counting', waiters: 5, sectionMs: 0 });
      });
      await contender.close();
    }
    return {};
  },
};
