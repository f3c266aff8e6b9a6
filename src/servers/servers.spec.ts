/** Servers start, fail, come back, and leave nothing behind. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { freePort, onFreePort } from './free-port.js';
import { PostgresServer, RedisServer, ServerStartError } from './index.js';
import { workspaceRoot } from './workspace-root.js';

/** Whether a process runs; one that has ended but is not yet collected does not. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function query(server: PostgresServer, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

describe('RedisServer', () => {
  it('starts several at once on ports of their own, and deletes their data', async () => {
    const servers = await Promise.all(Array.from({ length: 8 }, () => RedisServer.start()));
    expect(new Set(servers.map(({ port }) => port)).size).toBe(8);
    const clients = servers.map(({ url }) => new Redis(url));
    const directories = await Promise.all(clients.map((client) => client.config('GET', 'dir')));
    for (const client of clients) client.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
    for (const [, directory] of directories as string[][])
      expect(existsSync(directory!)).toBe(false);
    for (const { pid } of servers) expect(await runs(pid)).toBe(false);
  });

  it('keeps acknowledged writes over SIGKILL when it is durable, on the same port', async () => {
    const server = await RedisServer.start({ durable: true });
    const client = new Redis(server.url, { retryStrategy: () => 20 });
    client.on('error', () => {});
    await client.set('key', 'value');
    const { port, pid } = server;
    await server.kill();
    expect(server.running).toBe(false);
    await server.restart();
    expect({ port: server.port, value: await client.get('key') }).toEqual({ port, value: 'value' });
    expect(server.pid).not.toBe(pid);
    client.disconnect();
    await server.stop();
  });

  it('freezes and thaws; a frozen one can be stopped', async () => {
    const server = await RedisServer.start();
    const client = new Redis(server.url);
    await client.ping();
    await server.freeze();
    const pong = client.ping();
    expect(await readFile(`/proc/${server.pid}/stat`, 'utf8')).toMatch(/\) T /);
    await server.thaw();
    expect(await pong).toBe('PONG');
    client.disconnect();
    await server.freeze();
    await server.stop();
    expect(await runs(server.pid)).toBe(false);
  });

  it('tells the reason when it cannot start', async () => {
    await expect(RedisServer.start({ args: ['--maxmemory', 'much'] })).rejects.toThrow(
      /redis-server did not start: it ended with exit code 1[^]*maxmemory/,
    );
  });
});

describe('PostgresServer', () => {
  it('keeps commits over SIGKILL and frozen sessions over a thaw', async () => {
    const server = await PostgresServer.start({ settings: { work_mem: '5MB' } });
    expect(await query(server, 'SHOW max_prepared_transactions')).toEqual([
      { max_prepared_transactions: '100' },
    ]);
    expect(await query(server, 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
    await query(server, 'CREATE TABLE t AS SELECT 7 AS n');
    await server.kill();
    await server.restart();
    expect(await query(server, 'SELECT n FROM t')).toEqual([{ n: 7 }]);

    const session = new pg.Client({ connectionString: server.url });
    await session.connect();
    await server.freeze();
    let answered = false;
    const answer = session.query('SELECT 1').then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    await server.thaw();
    await answer;
    session.on('error', () => {});
    await server.stop();
    expect(await runs(server.pid)).toBe(false);
  });
});

describe('a process that dies', () => {
  // Catches cleaning up in exit and signal handlers: SIGKILL runs none of them.
  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'takes its servers and their data with it: %s',
    async (signal) => {
      const entry = join(workspaceRoot(), 'dist', 'runner', 'servers', 'index.js');
      const script = `
        import { PostgresServer, RedisServer } from ${JSON.stringify(entry)};
        const servers = await Promise.all([RedisServer.start(), PostgresServer.start()]);
        await servers[1].freeze();
        console.log(servers.map(({ pid }) => pid).join(' '));
        setInterval(() => {}, 1000);`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
      const pids = line.split(' ').map(Number);
      const directories = await Promise.all(
        pids.map(async (pid) => (await readlink(`/proc/${pid}/cwd`)).replace(/\/data$/, '')),
      );
      for (const directory of directories) expect(directory).toContain('nestjs-distributed-');
      parent.kill(signal);
      await until(async () => !(await Promise.all(pids.map(runs))).includes(true));
      await until(() => !directories.some((directory) => existsSync(directory)));
      expect(parent.signalCode).toBe(signal);
    },
  );
});

describe('freePort', () => {
  // Mutation: only probe the port. A gateway that boots for seconds lost it to another run.
  it('gives a port to one asker only, before its server listens', async () => {
    const port = await freePort();
    const socket = createSocket('udp4');
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    socket.close();
  });
});

describe('onFreePort', () => {
  it('takes another port when the first was taken meanwhile, and gives up on other failures', async () => {
    const taken = createServer().listen(await freePort(), '127.0.0.1');
    const tried: number[] = [];
    const port = await onFreePort(async (candidate) => {
      tried.push(candidate);
      if (tried.length === 1) throw new ServerStartError('x', 'y', 'bind: Address already in use');
      return candidate;
    });
    expect(port).toBe(tried[1]);
    await expect(
      onFreePort(() => Promise.reject(new ServerStartError('x', 'y', 'no memory'))),
    ).rejects.toThrow('no memory');
    taken.close();
  });
});
