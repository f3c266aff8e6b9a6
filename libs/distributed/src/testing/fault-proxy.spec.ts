import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFaultProxy, type FaultProxy } from './fault-proxy.js';

/** Answers `n` with `n!`, and remembers what it has received. */
class EchoServer {
  readonly received: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.received.push(chunk.toString());
      socket.write(`${chunk.toString()}!`);
    });
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** A client that tells how its connection ended. */
class Client {
  readonly ended: Promise<string>;
  #received = '';
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => (this.#received += chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.#socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      this.#socket.on('close', () => resolve('closed'));
    });
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  get received(): string {
    return this.#received;
  }

  async until(text: string): Promise<void> {
    while (this.#received !== text) await once(this.#socket, 'data');
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

describe('FaultProxy', () => {
  let server: EchoServer;
  let proxy: FaultProxy;
  let clients: Client[];

  beforeEach(async () => {
    server = new EchoServer();
    clients = [];
    proxy = await createFaultProxy(await server.start());
  });

  afterEach(async () => {
    for (const client of clients) client.destroy();
    await proxy.stop();
    server.stop();
  });

  async function greeted(): Promise<Client> {
    const client = new Client(proxy.port);
    clients.push(client);
    client.send('hi');
    await client.until('hi!');
    return client;
  }

  /** Resolves when the server has received `text`, although nobody will tell the client. */
  async function untilServerHas(text: string): Promise<void> {
    while (server.received.at(-1) !== text)
      await once([...server.sockets].at(-1) as Socket, 'data');
  }

  it('passes bytes on and rewrites addresses', async () => {
    await greeted();
    expect(proxy.url('redis://user:secret@10.0.0.1:1/3?a=b')).toBe(
      `redis://user:secret@127.0.0.1:${proxy.port}/3?a=b`,
    );
    expect(proxy.url()).toBe(`redis://127.0.0.1:${proxy.port}`);
    expect({ accepted: proxy.accepted, connections: proxy.connections }).toEqual({
      accepted: 1,
      connections: 1,
    });
  });

  it('ends both sides when a client leaves', async () => {
    const client = await greeted();
    const [socket] = server.sockets;
    const left = once(socket as Socket, 'close');
    client.destroy();
    await left;
    expect(await client.ended).toBe('closed');
  });

  it('adds latency to round trips and keeps the order', async () => {
    const client = await greeted();
    proxy.latency(60);
    const before = performance.now();
    client.send('a');
    await untilServerHas('a');
    client.send('b');
    await client.until('hi!a!b!');
    const elapsed = performance.now() - before;
    expect(elapsed).toBeGreaterThanOrEqual(59);
  });

  it('resets connections', async () => {
    const client = await greeted();
    proxy.resetAll();
    expect(await client.ended).toBe('ECONNRESET');
  });

  it('closes connections in good order', async () => {
    const client = await greeted();
    proxy.closeAll();
    expect(await client.ended).toBe('closed');
  });

  it('refuses new connections, keeps open ones, and heals on the same port', async () => {
    const open = await greeted();
    const { port } = proxy;
    proxy.refuse();
    const refused = new Client(port);
    expect(await refused.ended).toBe('ECONNREFUSED');
    open.send('still');
    await open.until('hi!still!');
    await proxy.heal();
    await greeted();
    expect(proxy.port).toBe(port);
  });

  it('swallows what goes down a black hole, and delivers it late', async () => {
    const client = await greeted();
    proxy.blackhole('down');
    client.send('lost');
    await untilServerHas('lost');
    expect(client.received).toBe('hi!');
    await proxy.heal();
    await client.until('hi!lost!');
  });

  it('keeps requests from the server in a black hole up, also on new connections', async () => {
    proxy.blackhole('up');
    const client = new Client(proxy.port);
    clients.push(client);
    client.send('hi');
    proxy.blackhole('down');
    await untilServerHasConnection();
    await untilServerHas('hi');
    expect(client.received).toBe('');
    await proxy.heal();
    await client.until('hi!');
  });

  it('tells nobody of a broken end behind a black hole', async () => {
    const client = await greeted();
    proxy.blackhole('both');
    for (const socket of server.sockets) socket.resetAndDestroy();
    const ended = await Promise.race([client.ended, greetedThroughAnother()]);
    expect(ended).toBe('other');
    await proxy.heal();
    expect(await client.ended).toBe('ECONNRESET');
  });

  it('drops one reply after the server has executed the command', async () => {
    const client = await greeted();
    proxy.dropNextReply();
    client.send('once');
    expect(await client.ended).toBe('ECONNRESET');
    expect(server.received).toEqual(['hi', 'once']);
    expect({ received: client.received, dropped: proxy.droppedReplies }).toEqual({
      received: 'hi!',
      dropped: 1,
    });
    await greeted();
  });

  it('drops the reply of a named command only', async () => {
    const [first, second] = [await greeted(), await greeted()];
    proxy.dropNextReply({ to: 'EVALSHA' });
    first.send('ping');
    await first.until('hi!ping!');
    second.send('evalsha');
    expect(await second.ended).toBe('ECONNRESET');
  });

  it('can keep the connection open after a dropped reply, mute until it heals', async () => {
    const client = await greeted();
    proxy.dropNextReply({ keepOpen: true });
    client.send('a');
    await untilServerHas('a');
    client.send('b');
    await untilServerHas('b');
    expect(client.received).toBe('hi!');
    await proxy.heal();
    expect(await client.ended).toBe('ECONNRESET');
  });

  async function untilServerHasConnection(): Promise<void> {
    while (server.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async function greetedThroughAnother(): Promise<string> {
    const other = await createFaultProxy(proxy.url());
    await other.stop();
    return 'other';
  }
});
