/** The transport while its Redis is killed, frozen and restarted: nothing hangs, nothing crashes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { message } from '../message.contract.js';
import { MessagingModule } from './messaging.module.js';
import { ShopClient } from './shop-client.service.js';
import { ShopRedisClient } from './shop-redis-client.js';
import { ShopRedisServer } from './shop-redis-server.js';

const echo = message<{ n: number }, { n: number }>('spec.echo');
const held = message<{ n: number }, { n: number }>('spec.held');

let begun: () => void = () => undefined;
let release: () => void = () => undefined;

@Controller()
class EchoController {
  @MessagePattern(echo)
  async echo(@Payload('body') body: { n: number }) {
    return body;
  }

  @MessagePattern(held)
  async held(@Payload('body') body: { n: number }) {
    begun();
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return body;
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): number => unhandled.push(reason);

let redis: RedisServer;
let transport: ShopRedisClient;
let client: ShopClient;
let service: INestMicroservice;

beforeAll(() => {
  process.on('unhandledRejection', onUnhandled);
});

afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
});

beforeEach(async () => {
  unhandled.length = 0;
  redis = await startRedis();
  transport = new ShopRedisClient({ url: redis.url });
  client = new ShopClient(transport);
  service = await serviceOn(redis.url);
});

afterEach(async () => {
  release();
  await Promise.all([transport.close(), service.close()]);
  await redis.stop();
  // A rejection counts as unhandled only after the microtasks of its turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});

async function serviceOn(url: string): Promise<INestMicroservice> {
  const messaging = MessagingModule.register({ transportUrl: url, replica: 'only' });
  const app = await NestFactory.createMicroservice(
    { module: EchoModule, imports: [messaging] },
    { strategy: new ShopRedisServer({ url }), logger: false },
  );
  await app.listen();
  return app;
}

/** Sends until an answer comes: what a resilient caller does. */
async function eventually(n: number): Promise<unknown> {
  const attempt = (): Promise<unknown> =>
    client.send(echo, { n }, 1_000).catch((error: { retryable: boolean }) => {
      if (!error.retryable) throw error;
      return new Promise((resolve) => setImmediate(resolve)).then(attempt);
    });
  return attempt();
}

/** A send whose handler has begun. */
async function inFlight(): Promise<{ reply: Promise<unknown> }> {
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const reply = client.send(held, { n: 1 }, 20_000).catch((error: unknown) => error);
  await started;
  return { reply };
}

describe('the Redis transport', () => {
  it('a killed Redis fails requests in flight at once; after a restart everything works again', async () => {
    const { reply } = await inFlight();
    await redis.kill();
    expect(await reply).toMatchObject({ code: 'E_TRANSPORT_UNAVAILABLE', executed: 'unknown' });
    const duringOutage = client.send(echo, { n: 2 }, 300);
    await expect(duringOutage).rejects.toMatchObject({ retryable: true });
    await redis.restart();
    expect(await eventually(3)).toEqual({ n: 3 });
  });

  it('a frozen Redis keeps no caller beyond its deadline, and costs nothing after the thaw', async () => {
    expect(await eventually(1)).toEqual({ n: 1 });
    await redis.freeze();
    const failures = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        client.send(echo, { n }, 200).catch((error: unknown) => error),
      ),
    );
    for (const failure of failures) expect(failure).toMatchObject({ code: 'E_TRANSPORT_DEADLINE' });
    await redis.thaw();
    expect(await eventually(2)).toEqual({ n: 2 });
  });

  it('a server that stays silent is given up and connected to anew', async () => {
    expect(await eventually(1)).toEqual({ n: 1 });
    const [publisher] = transport.unwrap<[{ once(event: string, listener: () => void): void }]>();
    const replaced = new Promise<void>((resolve) => publisher.once('close', resolve));
    await redis.freeze();
    await replaced;
    await redis.thaw();
    expect(await eventually(2)).toEqual({ n: 2 });
  });

  it('a frozen Redis does not keep client and service from closing', async () => {
    await eventually(1);
    await redis.freeze();
    const closed = Promise.all([transport.close(), service.close()]);
    await expect(closed).resolves.toHaveLength(2);
    await redis.thaw();
  });

  it('a service that is started before its Redis waits for it', async () => {
    const { url } = redis;
    await redis.kill();
    const starting = serviceOn(url);
    await redis.restart();
    const late = await starting;
    expect(await eventually(1)).toEqual({ n: 1 });
    await late.close();
  });

  it('shops that share a Redis do not hear each other when their channels differ', async () => {
    const url = `${redis.url}?channels=blue`;
    const other = new ShopRedisClient({ url });
    const otherClient = new ShopClient(other);
    const failure = await otherClient.send(echo, { n: 1 }, 1_000).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'E_TRANSPORT_UNAVAILABLE', executed: 'no' });
    const otherService = await serviceOn(url);
    expect(await otherClient.send(echo, { n: 2 }, 1_000)).toEqual({ n: 2 });
    expect(await client.send(echo, { n: 3 }, 1_000)).toEqual({ n: 3 });
    await Promise.all([other.close(), otherService.close()]);
  });

  it('a service that stops finishes what it began, and its reply still leaves', async () => {
    const { reply } = await inFlight();
    // What a signal does, in Nest's order: destroy, before-shutdown, transport, shutdown.
    const stopping = stopAsSignalled(service);
    release();
    await stopping;
    expect(await reply).toEqual({ n: 1 });
  });
});

interface ShutdownSteps {
  callDestroyHook(): Promise<void>;
  callBeforeShutdownHook(signal?: string): Promise<void>;
  dispose(): Promise<void>;
  callShutdownHook(signal?: string): Promise<void>;
}

async function stopAsSignalled(app: INestMicroservice): Promise<void> {
  const steps = app as unknown as ShutdownSteps;
  await steps.callDestroyHook();
  await steps.callBeforeShutdownHook('SIGTERM');
  await steps.dispose();
  await steps.callShutdownHook('SIGTERM');
}
