/** A user who may not listen on a channel. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from './redis.connection.js';

describe('a channel this user may not listen on', () => {
  let server: RedisServer;
  let connection: RedisConnection;

  beforeAll(async () => {
    const user = ['--user', 'default', 'on', 'nopass', '~*', '+@all', 'resetchannels', '&free*'];
    server = await startRedis({ args: user });
  });
  beforeEach(async () => {
    connection = await RedisConnection.connect({ url: server.url });
  });
  afterEach(() => connection.close());
  afterAll(() => server.stop());

  const refused = (channel: string): Promise<unknown> =>
    connection.subscribe(channel, () => {}, { deadlineMs: 5_000 }).catch((error: unknown) => error);

  it("is refused at once with the server's own error (mutation: retried until the deadline)", async () => {
    const startedAt = performance.now();
    expect(String(await refused('closed'))).toMatch(/NOPERM/);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('does not take the channels of others with it (mutation: all of one SUBSCRIBE are refused)', async () => {
    const received: string[] = [];
    let arrived: () => void = () => {};
    const message = new Promise<void>((resolve) => (arrived = resolve));
    const [, error] = await Promise.all([
      connection.subscribe('free-1', (text) => {
        received.push(text);
        arrived();
      }),
      refused('closed'),
      connection.subscribe('free-2', () => {}),
    ]);
    expect(String(error)).toMatch(/NOPERM/);
    while (!connection.subscriberUp) await new Promise((resolve) => setTimeout(resolve, 5));
    await connection.execute('publish', (client) => client.publish('free-1', 'hello'));
    await message;
    expect(received).toEqual(['hello']);
  });
});
