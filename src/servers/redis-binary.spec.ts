/** A Redis for every machine. Programs are played by shell scripts: no mirror is asked. */
import { chmod, mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findRedisBinary } from './redis-binary.js';

describe('findRedisBinary', () => {
  let directory: string;
  let cache: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'binary-'));
    cache = join(directory, 'redis');
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function fake(file: string, version: string): Promise<string> {
    await writeFile(file, `#!/bin/sh\necho "Redis server v=${version} sha=0"\n`);
    await chmod(file, 0o755);
    return file;
  }

  it('prefers REDIS_BIN, and does not fall back when it is wrong', async () => {
    const file = await fake(join(directory, 'mine'), '9.9.9');
    const found = await findRedisBinary({ env: { REDIS_BIN: file }, cache });
    expect(found).toMatchObject({ file, version: '9.9.9', origin: `REDIS_BIN (${file})` });
    await expect(
      findRedisBinary({ env: { REDIS_BIN: join(directory, 'none') }, cache }),
    ).rejects.toThrow('REDIS_BIN');
  });

  it('finds redis-server before valkey-server on PATH, and skips what does not run', async () => {
    const folders = ['broken', 'valkey', 'redis'].map((name) => join(directory, name));
    for (const folder of folders) await mkdir(folder);
    await writeFile(join(folders[0]!, 'redis-server'), 'not a program', { mode: 0o755 });
    await fake(join(folders[1]!, 'valkey-server'), '8.0.0');
    await fake(join(folders[2]!, 'redis-server'), '7.0.0');
    const env = { PATH: folders.join(':') };
    expect(await findRedisBinary({ env, cache })).toMatchObject({ version: '7.0.0' });
    await rm(folders[2]!, { recursive: true });
    expect(await findRedisBinary({ env, cache })).toMatchObject({ version: '8.0.0' });
  });

  it('names what to install when there is no way', async () => {
    const outcome = await findRedisBinary({ env: { PATH: directory }, cache }).catch(
      (error: Error) => error,
    );
    expect(outcome).toMatchObject({
      name: 'ServerMissingError',
      message: expect.stringMatching(/apt-get install redis-server.*REDIS_BIN.*docker.*REDIS_URL/s),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  // Catches unpacking in place: one would start what the other has only half written.
  it('makes one private copy when several look at the same time, and replaces a broken one', async () => {
    // Nothing else: a real Redis of this machine must not be found.
    const env = { PATH: await debian() };
    const broken = join(cache, 'copy-broken', 'usr', 'bin');
    await mkdir(broken, { recursive: true });
    await writeFile(join(broken, 'redis-server'), 'not a program', { mode: 0o755 });
    await symlink('copy-broken', join(cache, 'current'));
    const found = await Promise.all([1, 2, 3, 4].map(() => findRedisBinary({ env, cache })));
    for (const binary of found) {
      expect(binary).toMatchObject({ version: '7.7.7', origin: `private copy (${cache})` });
      expect(binary.env['LD_LIBRARY_PATH']).toBe(
        join(cache, 'current', 'usr', 'lib', 'some-linux'),
      );
    }
    expect((await readdir(directory)).toSorted()).toEqual(['debian', 'redis']);
    expect(await readdir(cache)).toContain(await readlink(join(cache, 'current')));
    expect(await readdir(cache)).not.toContain('copy-broken');
  });

  /** Programs that behave like apt-get and dpkg-deb, slowly. */
  async function debian(): Promise<string> {
    const folder = join(directory, 'debian');
    await mkdir(folder);
    const programs = {
      'apt-get': `
        case "$*" in
          *print-uris*) echo "'http://mirror/libx_1.deb' libx_1.deb 1 x" ;;
          *download*) for last; do :; done; touch redis-server_7.deb; [ "$last" = libx ] && touch libx_1.deb ;;
        esac`,
      'dpkg-deb': `
        mkdir -p "$3/usr/bin" "$3/usr/lib/some-linux" "$3/etc"
        sleep 0.1
        case "$2" in *redis*)
          printf '#!/bin/sh\\necho "Redis server v=7.7.7 sha=0"\\n' > "$3/usr/bin/redis-server"
          sleep 0.1
          chmod +x "$3/usr/bin/redis-server" ;;
        esac`,
    };
    for (const [name, body] of Object.entries(programs))
      await writeFile(join(folder, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`, {
        mode: 0o755,
      });
    return folder;
  }
});
