/** Two replicas on a real Redis: each message is handled once, and the other replica stays silent. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type DynamicModule, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { message } from '../message.contract.js';
import { CardDeclinedError } from '../shop.errors.js';
import { MessagingModule } from './messaging.module.js';
import { ShopClient } from './shop-client.service.js';
import { ShopRedisClient } from './shop-redis-client.js';
import { ShopRedisServer } from './shop-redis-server.js';

const count = message<{ n: number }, { n: number; replica: string }>('spec.count');
const decline = message<{ n: number }, never>('spec.decline');
const MESSAGES = 200;

const handled: { n: number; replica: string }[] = [];

function controllerOf(replica: string) {
  @Controller()
  class CountController {
    @MessagePattern(count)
    async count(@Payload('body') { n }: { n: number }) {
      handled.push({ n, replica });
      return { n, replica };
    }

    @MessagePattern(decline)
    async decline(): Promise<never> {
      throw new CardDeclinedError(7);
    }
  }
  return CountController;
}

@Module({})
class ReplicaModule {
  static register(replica: string, imports: DynamicModule[]): DynamicModule {
    return { module: ReplicaModule, imports, controllers: [controllerOf(replica)] };
  }
}

let redis: RedisServer;
let transport: ShopRedisClient;
let client: ShopClient;

beforeAll(async () => {
  redis = await startRedis();
  transport = new ShopRedisClient({ url: redis.url });
  client = new ShopClient(transport);
});

afterAll(async () => {
  await transport.close();
  await redis.stop();
});

beforeEach(() => {
  handled.length = 0;
});

async function start(replica: string, claims = true): Promise<INestMicroservice> {
  const imports = claims ? [MessagingModule.register({ transportUrl: redis.url, replica })] : [];
  const app = await NestFactory.createMicroservice(ReplicaModule.register(replica, imports), {
    strategy: new ShopRedisServer({ url: redis.url }),
    logger: false,
  });
  await app.listen();
  return app;
}

async function sendAll(): Promise<{ n: number; replica: string }[]> {
  return Promise.all(Array.from({ length: MESSAGES }, (_, n) => client.send(count, { n }, 10_000)));
}

describe('once per message', () => {
  it('without claims every replica handles every message: the fault of the stock transport', async () => {
    const replicas = [await start('a', false), await start('b', false)];
    await sendAll();
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(handled).toHaveLength(2 * MESSAGES);
  });

  it('with claims one replica handles each message, and only that one replies', async () => {
    const replicas = [await start('a'), await start('b')];
    const spy = new Redis(redis.url);
    const replies: string[] = [];
    spy.on('message', (_channel, text: string) => replies.push(text));
    await spy.subscribe(`${count}.reply`);
    const answers = await sendAll();
    await spy.ping();
    await spy.quit();
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(handled.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([
      ...Array(MESSAGES).keys(),
    ]);
    expect(handled).toEqual(expect.arrayContaining(answers));
    expect(replies).toHaveLength(MESSAGES);
  });

  it('replicas share the messages instead of one winning them all', async () => {
    const replicas = [await start('a'), await start('b')];
    for (let n = 0; n < 40; n++) await client.send(count, { n }, 5_000);
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(new Set(handled.map(({ replica }) => replica))).toEqual(new Set(['a', 'b']));
  });

  it('errors arrive with code, retryable and executed', async () => {
    const replica = await start('a');
    const failure = await client.send(decline, { n: 1 }, 5_000).catch((error: unknown) => error);
    await replica.close();
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({
      code: 'E_SHOP_CARD_DECLINED',
      message: 'the card does not cover 7 cents',
      retryable: false,
      executed: 'yes',
    });
  });

  it('a message to nobody fails at once and says that nothing was done', async () => {
    const failure = client.send(count, { n: 1 }, 5_000);
    await expect(failure).rejects.toMatchObject({
      code: 'E_TRANSPORT_UNAVAILABLE',
      retryable: true,
      executed: 'no',
    });
  });
});
