/** `npm start` as its users see it: stays up, survives a sick Redis, ends without a trace. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoadAnswer, LoadGenerator, type LoadRequest } from '../../src/load/load-generator.js';
import { startRedis } from '../support/redis.fixture.js';

jest.setTimeout(180_000);

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Answers must come within the gateway's own limit, well before a client gives up. */
const DEADLINE_MS = 12_000;

/** The runner as a child process, with a temporary directory of its own. */
class Run {
  readonly temporary = mkdtempSync(join(tmpdir(), 'nestjs-distributed-start-'));
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';

  constructor(options: string[], environment: Record<string, string> = {}) {
    // PostgreSQL never runs as root: its own user must be able to reach the directory.
    chmodSync(this.temporary, 0o755);
    this.#child = spawn(process.execPath, [join(root, 'dist/runner/main.js'), ...options], {
      env: { ...process.env, NODE_OPTIONS: '', TMPDIR: this.temporary, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Resolves with the first match once the runner has printed it. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match) return match;
      if (this.#child.exitCode !== null) throw new Error(`ended early:\n${this.#output}`);
      await Promise.race([once(this.#child.stdout as NodeJS.ReadableStream, 'data'), this.#ended]);
    }
  }

  /** Resolves with the gateway's address when the shop stays up. */
  async gateway(): Promise<string> {
    return (await this.printed(/gateway\s+(http:\S+)\s/))[1] as string;
  }

  /** The processes of the shop: children of the runner that run an app. */
  apps(): string[] {
    const table = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
    return table
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, parent, ...command]) =>
          Number(parent) === this.#child.pid && /dist\/apps\//.test(command.join(' ')),
      )
      .map(([pid]) => pid as string)
      .toSorted();
  }

  /** Every process that still mentions this run's temporary directory. */
  leftovers(): string[] {
    const table = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
    return table.split('\n').filter((line) => line.includes(this.temporary));
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.exited();
  }

  async exited(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}

describe('npm start', () => {
  const runs: Run[] = [];
  const start = (options: string[], environment?: Record<string, string>): Run => {
    const run = new Run(options, environment);
    runs.push(run);
    return run;
  };

  afterEach(async () => {
    for (const run of runs.splice(0)) {
      await run.end('SIGKILL');
      rmSync(run.temporary, { recursive: true, force: true });
    }
  });

  it('two runs at the same time do not collide', async () => {
    const both = [
      start(['--exit', '--scenario', 'oversell']),
      start(['--exit', '--scenario', 'oversell']),
    ];
    expect(await Promise.all(both.map((run) => run.exited()))).toEqual([0, 0]);
    for (const run of both) expect(readdirSync(run.temporary)).toEqual([]);
  });

  it('stays up, prints its addresses, and ends on Ctrl-C with no process and no folder left', async () => {
    const run = start(['--scenario', 'oversell']);
    const gateway = await run.gateway();
    expect((await fetch(`${gateway}/health`)).status).toBe(200);
    expect((await fetch(`${gateway}/docs`)).status).toBe(200);
    const apps = run.apps();
    expect(apps).toHaveLength(6);
    await run.end('SIGINT');
    expect({
      folders: readdirSync(run.temporary),
      processes: run.leftovers(),
      apps: apps.filter(isAlive),
    }).toEqual({ folders: [], processes: [], apps: [] });
  });

  it('Ctrl-C in the middle of the load leaves nothing behind either', async () => {
    const run = start(['--exit', '--scenario', 'transaction']);
    await run.printed(/✓ gateway/);
    const apps = run.apps();
    expect(apps).toHaveLength(6);
    await run.end('SIGINT');
    expect({
      folders: readdirSync(run.temporary),
      processes: run.leftovers(),
      apps: apps.filter(isAlive),
    }).toEqual({ folders: [], processes: [], apps: [] });
  });

  describe('with a Redis that is killed, stopped and restarted under load', () => {
    let redis: Awaited<ReturnType<typeof startRedis>>;

    beforeEach(async () => {
      redis = await startRedis();
    });
    afterEach(() => redis.stop());

    it('crashes no process and answers every request within its deadline', async () => {
      const run = start(['--scenario', 'oversell'], { REDIS_URL: redis.url });
      const load = new LoadGenerator(await run.gateway(), { deadlineMs: DEADLINE_MS });
      const apps = run.apps();
      const stop = new AbortController();
      const answering = load.run(requests(), { concurrency: 12, everyMs: 10, until: stop.signal });
      const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

      await after(1_000);
      await redis.kill();
      await after(2_000);
      await redis.restart();
      await after(2_000);
      await redis.freeze();
      await after(4_000);
      await redis.thaw();
      await after(2_000);
      stop.abort();

      const answers = await answering;
      const count = (outcome: LoadAnswer['outcome']) =>
        answers.filter((answer) => answer.outcome === outcome).length;
      expect(count('answered')).toBeGreaterThan(50);
      expect({ hung: count('hung'), failed: count('failed') }).toEqual({ hung: 0, failed: 0 });
      expect(run.apps()).toEqual(apps);

      const healthy = await load.run(take(requests(), 20), { concurrency: 4 });
      load.close();
      expect(healthy.filter((answer) => answer.status >= 500)).toEqual([]);
    });
  });
});

/** Also true of an orphan, whose parent is somebody else by now. */
function isAlive(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

/** Every protected route in turn, for ever, each with a business id of its own. */
function* requests(): Generator<LoadRequest> {
  for (let n = 0; ; n += 1) {
    const customerId = `outage-${n % 50}`;
    yield {
      method: 'POST',
      path: '/checkouts',
      body: { checkoutId: `outage-${n}`, customerId, amountCents: 100 },
      subject: undefined,
    };
    yield {
      method: 'POST',
      path: `/customers/${customerId}/orders`,
      body: { orderId: `outage-${n}`, sku: 'outage', quantity: 1 },
      subject: undefined,
    };
    yield { method: 'GET', path: `/customers/${customerId}/orders`, subject: undefined };
    yield {
      method: 'POST',
      path: '/orders',
      body: {
        orderId: `outage-place-${n}`,
        customerId,
        items: [{ sku: 'outage', quantity: 1 }],
        amountCents: 100,
      },
      subject: undefined,
    };
  }
}

function* take<T>(source: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of source) {
    if (taken++ === count) return;
    yield item;
  }
}
