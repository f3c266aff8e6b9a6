/** The least a lock can cost: SET NX PX, and a script that deletes only its own. Nobody waits here. */
import { createHash, randomUUID } from 'node:crypto';
import { CommandCounter, CountingRedis } from '../../../harness/counting-client.js';
import { LEASE_MS, type LockContender } from '../contender.js';

const COMPARE_AND_DELETE =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/** A bare client of ioredis. */
export async function openFloor(url: string): Promise<LockContender> {
  const commands = new CommandCounter();
  const client = new CountingRedis(url, commands);
  const sha = createHash('sha1').update(COMPARE_AND_DELETE).digest('hex');
  await client.script('LOAD', COMPARE_AND_DELETE);
  return {
    commands,
    async acquire(key) {
      const token = randomUUID();
      const reply = await client.set(key, token, 'PX', LEASE_MS, 'NX');
      if (reply === null) throw new Error(`${key} is taken, and the floor does not wait`);
      return () => client.evalsha(sha, 1, key, token);
    },
    async close() {
      client.disconnect();
    },
  };
}
