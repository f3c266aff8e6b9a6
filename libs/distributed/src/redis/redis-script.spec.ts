/** Scripts run by digest, and the server may forget them at any time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { SHORT } from '../../../../test/support/redis-state.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { RedisConnection } from './redis.connection.js';
import { defineScript, type RedisScript } from './redis-script.js';

/** Fails on odd amounts, so that some calls of a batch fail by themselves. */
const SOURCE = `
if tonumber(ARGV[1]) % 2 == 1 then return redis.error_reply('ERR odd') end
return redis.call('INCRBY', KEYS[1], ARGV[1])
`;

describe('scripts', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  let judge: Redis;
  let connection: RedisConnection;
  let directory: string;
  let add: RedisScript<bigint>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'scripts-'));
    const file = join(directory, 'add.lua');
    writeFileSync(file, SOURCE);
    add = defineScript({
      url: pathToFileURL(file),
      keys: 1,
      parse: (reply) => BigInt(reply as number),
    });
    server = await startRedis();
    proxy = await createFaultProxy(server.url);
    judge = new Redis(server.url);
    connection = await RedisConnection.connect({ ...SHORT, url: proxy.url() });
  });

  afterAll(async () => {
    await connection.close();
    judge.disconnect();
    await proxy.stop();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  const batch = (key: string) => [2, 3, 4].map((amount) => ({ keys: [key], args: [amount] }));

  const expected = [
    { status: 'fulfilled', value: 2n },
    {
      status: 'rejected',
      reason: expect.objectContaining({ message: expect.stringMatching('ERR odd') }),
    },
    { status: 'fulfilled', value: 6n },
  ];

  it('is named after its file and parses its reply', async () => {
    expect(add.name).toBe('add');
    expect(await connection.eval(add, ['single'], [2])).toBe(2n);
  });

  // Catches EVALSHA without fallback.
  it('survives SCRIPT FLUSH', async () => {
    await judge.script('FLUSH');
    expect(await connection.eval(add, ['flushed'], [2])).toBe(2n);
  });

  it('survives SCRIPT FLUSH in a pipeline, and executes each call once', async () => {
    await judge.script('FLUSH');
    expect(await connection.evalAll(add, batch('piped'))).toEqual(expected);
    expect(await judge.get('piped')).toBe('6');
  });

  it('runs several calls in one round trip, each with its own result', async () => {
    await judge.config('RESETSTAT');
    expect(await connection.evalAll(add, batch('batch'))).toEqual(expected);
    expect(await connection.evalAll(add, [])).toEqual([]);
    const same = { keys: ['same'], args: [2] };
    expect(await connection.evalAll(add, [same, same])).toEqual([
      { status: 'fulfilled', value: 2n },
      { status: 'fulfilled', value: 4n },
    ]);
    expect(await judge.info('commandstats')).toMatch(/cmdstat_evalsha:calls=5,/);
  });

  it('repeats a batch whose replies were lost', async () => {
    proxy.dropNextReply({ to: 'evalsha' });
    const results = await connection.evalAll(add, [{ keys: ['lost'], args: [2] }]);
    expect(results).toEqual([{ status: 'fulfilled', value: 4n }]);
  });

  it('settles every call of a batch when Redis does not answer', async () => {
    proxy.blackhole('both');
    const results = await connection.evalAll(add, batch('dead'), { deadlineMs: 100 });
    expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
      Array(3).fill('E_REDIS_DEADLINE'),
    );
    await proxy.heal();
  });

  it('reports what parse throws, and a wrong number of keys', async () => {
    const strict: RedisScript<never> = {
      ...add,
      parse: () => {
        throw new Error('unexpected reply');
      },
    };
    await expect(connection.eval(strict, ['parsed'], [2])).rejects.toThrow('unexpected reply');
    const [result] = await connection.evalAll(strict, [{ keys: ['parsed'], args: [2] }]);
    expect(result).toMatchObject({ reason: { message: 'unexpected reply' } });
    await expect(connection.eval(add, [], [2])).rejects.toThrow("'add' takes 1 keys, received 0");
  });
});
