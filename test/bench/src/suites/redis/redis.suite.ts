/** `npm run bench -- redis`: what our connection adds to a script call of ioredis. */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { NestFactory } from '@nestjs/core';
import { DistributedModule, RedisConnection } from 'nestjs-distributed';
import { interleave } from '../../harness/interleave.js';
import { median, medianRatio, rounded } from '../../harness/statistics.js';
import type { Part, Suite } from '../../suite.js';

const ROUNDS = 200;
const WARM_UP = 30;
const CALLS = 200;

const source = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])";
const script = {
  name: 'bench',
  source,
  sha: createHash('sha1').update(source).digest('hex'),
  keys: 1,
  parse: (reply: unknown): unknown => reply,
};

/** One call after the other, both ways, on a connection each. */
const evalCall: Part = {
  name: 'eval',
  async run({ redis: { url } }) {
    const module = DistributedModule.forRoot({ redis: { url }, lock: {} });
    const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
    const connection = app.get(RedisConnection, { strict: false });
    const client = new Redis(url);
    await client.script('LOAD', source);
    const ways: Record<string, () => Promise<unknown>> = {
      ours: () => connection.eval(script, ['ours'], ['value', 10_000]),
      raw: () => client.evalsha(script.sha, script.keys, 'raw', 'value', 10_000),
    };
    const blocks = Object.entries(ways).map(([name, call]) => ({
      name,
      run: async (): Promise<number> => {
        const startedAt = performance.now();
        for (let count = 0; count < CALLS; count++) await call();
        return performance.now() - startedAt;
      },
    }));
    const times = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
    client.disconnect();
    await app.close();
    const raw = times.get('raw') ?? [];
    return Object.fromEntries(
      [...times].map(([name, laps]) => {
        const microsPerCall = rounded((median(laps) / CALLS) * 1_000);
        return [name, { eval: { ratioToRaw: rounded(medianRatio(laps, raw)), microsPerCall } }];
      }),
    );
  },
};

/** The toll of deadlines, bounded retries and telemetry. */
export const redisSuite: Suite = {
  name: 'redis',
  parts: [evalCall],
  targets: [{ metric: 'eval.ratioToRaw', bound: 1.05 }],
};
