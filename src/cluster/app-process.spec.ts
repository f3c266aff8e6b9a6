/** A supervised process: ready, crash, restart, kill, stop. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AppProcess } from './app-process.js';

const SERVICE = `
  console.log('boot ' + process.env.REPLICA);
  setInterval(() => {}, 1000);
  process.send({ type: 'ready' });`;

describe('AppProcess', () => {
  let folder: string;
  let app: AppProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'app-process-'));
  });

  afterEach(async () => {
    await app?.stop();
    rmSync(folder, { recursive: true });
  });

  function make(source: string): AppProcess {
    const entry = join(folder, 'main.mjs');
    writeFileSync(entry, source);
    const env = { REPLICA: 'orders-1' };
    app = new AppProcess({ name: 'orders-1', entry, env, logFile: join(folder, 'log') });
    return app;
  }

  it('is ready when it says so; its output and environment are its own', async () => {
    await make(SERVICE).start();
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('boot orders-1\n');
  });

  it('says which process ended before it was ready', async () => {
    await expect(make(`process.exit(3)`).start()).rejects.toThrow(
      'orders-1 ended before it was ready (code 3).',
    );
  });

  it('starts a crashed process again and counts the crash', async () => {
    const crashing = make(SERVICE);
    await crashing.start();
    const first = crashing.pid ?? 0;
    process.kill(first, 'SIGKILL');
    while (crashing.crashes === 0) await new Promise((done) => setImmediate(done));
    await crashing.ready();
    expect(crashing.crashes).toBe(1);
    expect(crashing.pid).not.toBe(first);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('--- orders-1 crashed (SIGKILL)');
  });

  it('stands still while it is frozen, goes on when it is thawed, and can be stopped frozen', async () => {
    const frozen = make(SERVICE);
    await frozen.start();
    const state = (): string | undefined =>
      readFileSync(`/proc/${frozen.pid}/stat`, 'utf8').split(') ')[1]?.[0];
    frozen.freeze();
    while (state() !== 'T') await new Promise((done) => setImmediate(done));
    frozen.thaw();
    while (state() === 'T') await new Promise((done) => setImmediate(done));
    frozen.freeze();
    await frozen.stop();
    expect(frozen.crashes).toBe(0);
  });

  it('does not count a kill as a crash, and stays down until it is started', async () => {
    const killed = make(SERVICE);
    await killed.start();
    const first = killed.pid ?? 0;
    await killed.kill();
    expect(() => process.kill(first, 0)).toThrow('ESRCH');
    await killed.start();
    expect(killed.crashes).toBe(0);
    expect(killed.pid).not.toBe(first);
  });
});
