/** Two processes that lock on one Redis: one suffers from its network, the other does not. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { createFaultProxy, type FaultProxy } from '../../libs/distributed/src/testing/index.js';
import { LockNode } from './lock-node.fixture.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

/** New nodes and an empty server for each spec. */
export interface TwoLockNodes {
  server: RedisServer;
  proxy: FaultProxy;
  /** Behind the proxy: the process that suffers. */
  far: LockNode;
  /** Straight at the server: everybody else. */
  near: LockNode;
}

/** Starts them, and ends them. */
export function useTwoLockNodes(): TwoLockNodes {
  const nodes = {} as TwoLockNodes;
  beforeAll(async () => {
    nodes.server = await startRedis();
    nodes.proxy = await createFaultProxy(nodes.server.url);
  });
  afterAll(async () => {
    await nodes.proxy.stop();
    await nodes.server.stop();
  });
  beforeEach(async () => {
    const { proxy, server } = nodes;
    [nodes.far, nodes.near] = await Promise.all([
      LockNode.start(proxy.url()),
      LockNode.start(server.url),
    ]);
    await nodes.near.redis.execute('flush', (client) => client.flushall());
  });
  afterEach(async () => {
    await nodes.proxy.heal();
    await Promise.all([nodes.far.stop(), nodes.near.stop()]);
  });
  return nodes;
}
