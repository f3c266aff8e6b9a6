/** The load generator tells an answer, a failure and a hang apart, and keeps its own deadline. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LoadGenerator, type LoadRequest } from './load-generator.js';

describe('LoadGenerator', () => {
  const servers: Server[] = [];

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  function get<T>(path: string, subject: T): LoadRequest<T> {
    return { method: 'GET', path, subject };
  }

  it('returns status and body of any answer, with its subject', async () => {
    const load = new LoadGenerator(
      await serve((request, response) => {
        response.writeHead(409, { 'content-type': 'application/json' });
        request.pipe(response);
      }),
    );
    const answer = await load.send({
      method: 'POST',
      path: '/x',
      body: { a: 1 },
      subject: 'the subject',
    });
    load.close();
    expect(answer).toMatchObject({
      outcome: 'answered',
      status: 409,
      body: { a: 1 },
      subject: 'the subject',
    });
  });

  it('calls a request hung when no answer comes within the deadline', async () => {
    const load = new LoadGenerator(await serve(() => {}), { deadlineMs: 50 });
    const answer = await load.send(get('/', 1));
    expect(answer).toMatchObject({ outcome: 'hung', status: 0 });
    expect(answer.latencyMs).toBeGreaterThanOrEqual(49);
  });

  it('calls a request hung when the body stops half-way: the deadline covers it too', async () => {
    const load = new LoadGenerator(await serve((_, response) => void response.write('{')), {
      deadlineMs: 50,
    });
    expect(await load.send(get('/', 1))).toMatchObject({ outcome: 'hung' });
  });

  it('calls a request failed when its connection breaks', async () => {
    const load = new LoadGenerator(await serve((request) => request.socket.resetAndDestroy()));
    expect(await load.send(get('/', 1))).toMatchObject({ outcome: 'failed', status: 0 });
  });

  it('never has more requests in flight than allowed, and sends all of them', async () => {
    let inFlight = 0;
    let most = 0;
    const load = new LoadGenerator(
      await serve((_, response) => {
        most = Math.max(most, ++inFlight);
        setImmediate(() => {
          inFlight--;
          response.end();
        });
      }),
    );
    const requests = Array.from({ length: 40 }, (_, n) => get('/', n));
    const answers = await load.run(requests, { concurrency: 4 });
    load.close();
    expect(answers.map((answer) => answer.subject).toSorted((a, b) => a - b)).toEqual(
      requests.map((request) => request.subject),
    );
    expect(most).toBeLessThanOrEqual(4);
  });

  it('ends an endless series when told to, and awaits what is in flight', async () => {
    const over = new AbortController();
    let served = 0;
    const load = new LoadGenerator(
      await serve((_, response) => {
        if (++served === 10) over.abort();
        response.end('{}');
      }),
    );
    function* endless(): Generator<LoadRequest<number>> {
      for (let n = 0; ; n++) yield get('/', n);
    }
    const answers = await load.run(endless(), { concurrency: 3, until: over.signal });
    load.close();
    expect(answers).toHaveLength(served);
    expect(answers.every((answer) => answer.outcome === 'answered')).toBe(true);
  });

  it('rejects at once when the user cancels, whatever hangs', async () => {
    const cancel = new AbortController();
    const load = new LoadGenerator(await serve(() => cancel.abort(new Error('Ctrl-C'))), {
      signal: cancel.signal,
    });
    await expect(
      load.run(
        [1, 2, 3].map((n) => get('/', n)),
        { concurrency: 1 },
      ),
    ).rejects.toThrow('Ctrl-C');
  });
});
