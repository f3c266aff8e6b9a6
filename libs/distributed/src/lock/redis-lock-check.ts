/** Looks once at the Redis of the locks: what would fail at the first lock, fails at the boot. */
import { Logger } from '@nestjs/common';
import {
  defineScript,
  RedisDeadlineError,
  type RedisConnection,
  RedisUnavailableError,
} from '../redis/index.js';
import { LockSetupError } from './lock.errors.js';
import { type LockNames, type MissingPermission, missingPermission } from './redis-permission.js';
import {
  isRecent,
  OLDEST_REDIS,
  readServerFacts,
  type RedisServerFacts,
} from './redis-server-facts.js';

/** Tries each command; replies with those that were refused. */
export const checkScript = defineScript({
  url: new URL('./scripts/check.lua', import.meta.url),
  keys: 4,
  parse: (reply) => (reply as unknown[]).map(String),
});

/** Version, topology, rights: refused when locks cannot work. Eviction, replicas: a warning. */
export class RedisLockCheck {
  readonly #logger = new Logger('LockModule');
  readonly #names: LockNames;

  /**
   * @param channels prefix of the processes' channels
   * @param replicas how many must confirm each lock
   */
  constructor(
    private readonly redis: RedisConnection,
    private readonly channels: string,
    private readonly replicas = 0,
  ) {
    const patterns = ['lock', 'semaphore'].map((room) => redis.keys.channel(room, '*'));
    this.#names = { keys: patterns, channels: `${channels}*` };
  }

  /**
   * Checks now. Where the application starts without Redis (`bootTimeout: 0`), it checks at the first
   * connection, and only logs.
   * @throws LockSetupError `E_LOCK_SETUP`
   */
  async atBoot(): Promise<void> {
    if (this.redis.up) await this.run();
    else this.redis.client.once('ready', this.#late);
  }

  /** Does not check any more. */
  stop(): void {
    this.redis.client.off('ready', this.#late);
  }

  /** @throws LockSetupError `E_LOCK_SETUP` */
  async run(): Promise<void> {
    const [problems, ...missing] = await Promise.all([
      this.#servers(),
      this.#scripts(),
      this.#messages(),
      this.#replication(),
    ]);
    problems.push(...this.#describe(missing.flat()));
    if (problems.length > 0) throw new LockSetupError(problems);
  }

  readonly #late = (): void => {
    this.run().catch((error: unknown) => this.#logger.error(error));
  };

  async #servers(): Promise<string[]> {
    const infos = await this.#try('its version and memory policy (INFO)', () =>
      this.redis.execute('check-info', async (client) =>
        'nodes' in client
          ? await Promise.all(client.nodes('master').map((node) => node.info()))
          : [await client.info()],
      ),
    );
    const problems = (infos ?? []).flatMap((info) => this.#judge(readServerFacts(info)));
    return [...new Set(problems)];
  }

  #judge({ version, clustered, evicts, replicas }: RedisServerFacts): string[] {
    if (evicts) {
      this.#logger.warn(
        `The Redis of the locks may evict them: its maxmemory-policy is '${evicts}', and every lock has a TTL. ` +
          'A holder would learn of it at the next renewal, after somebody else may have got the lock. ' +
          "Set maxmemory-policy to 'noeviction', or keep locks apart from caches on a server of their own.",
      );
    }
    if (replicas !== undefined && replicas < this.replicas) {
      this.#logger.warn(
        `Nobody gets a lock at present: durability asks for ${this.replicas} replicas, and ${replicas} are connected. ` +
          'Connect more, or ask for fewer.',
      );
    }
    const problems: string[] = [];
    if (version && !isRecent(version))
      problems.push(`it is Redis ${version}; locks need ${OLDEST_REDIS} or later`);
    if (clustered && this.redis.topology !== 'cluster')
      problems.push('it is part of a Redis Cluster; connect with redis: { cluster: [...] }');
    return problems;
  }

  /** As the store does it: by digest, in full where the digest is unknown. */
  async #scripts(): Promise<MissingPermission[]> {
    const { keys } = this.redis;
    const probes = ['1', '2', '3'].map((name) => keys.key('lock', 'check', 'probe', name));
    const parameters = [
      4,
      ...probes,
      keys.key('semaphore', 'check', 'probe'),
      `${this.channels}check`,
    ] as const;
    const { source, sha } = checkScript;
    const inFull = await this.#allowed('eval', () =>
      this.redis.execute('check-eval', (client) => client.eval(source, ...parameters)),
    );
    const byDigest = await this.#allowed('evalsha', () =>
      this.redis.execute('check-evalsha', (client) => client.evalsha(sha, ...parameters)),
    );
    const replied = inFull.reply ?? byDigest.reply;
    const refused = (replied === undefined ? [] : checkScript.parse(replied)).flatMap((line) => {
      const [command = '', ...error] = line.split(' ');
      return missingPermission(command, error.join(' '), this.#names) ?? [];
    });
    return [...inFull.missing, ...byDigest.missing, ...refused];
  }

  async #messages(): Promise<MissingPermission[]> {
    const { missing } = await this.#allowed('subscribe', async () => {
      const subscription = await this.redis.subscribe(`${this.channels}check`, () => {});
      subscription.unsubscribe();
    });
    return missing;
  }

  async #replication(): Promise<MissingPermission[]> {
    if (this.replicas === 0) return [];
    const { missing } = await this.#allowed('wait', () =>
      this.redis.execute('check-wait', (client) => client.wait(0, 1)),
    );
    return missing;
  }

  /** The reply, or the right that is missing for it. */
  async #allowed(
    command: string,
    run: () => Promise<unknown>,
  ): Promise<{ reply?: unknown; missing: MissingPermission[] }> {
    let missing: MissingPermission | undefined;
    const reply = await this.#try(`whether ${command.toUpperCase()} is allowed`, async () => {
      try {
        return await run();
      } catch (error) {
        missing = missingPermission(command, error, this.#names);
        if (!missing) throw error;
        return undefined;
      }
    });
    return { reply, missing: missing ? [missing] : [] };
  }

  /** What cannot be looked at is no reason to refuse a server: managed ones forbid a lot. */
  async #try<T>(what: string, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      const offline = error instanceof RedisDeadlineError || error instanceof RedisUnavailableError;
      const reason = offline ? 'no reply' : String(error);
      this.#logger.debug(`Could not check ${what} of the Redis of the locks: ${reason}`);
      return undefined;
    }
  }

  #describe(missing: readonly MissingPermission[]): string[] {
    const problems = [...new Set(missing.map(({ problem }) => problem))];
    const rules = [...new Set(missing.flatMap(({ rule }) => rule ?? []))];
    if (rules.length === 0) return problems;
    const { client } = this.redis;
    const { username } = 'nodes' in client ? (client.options.redisOptions ?? {}) : client.options;
    const fix = `ACL SETUSER ${username ?? 'default'} ${rules.join(' ')}`;
    return [`${problems.join(', ')}; grant it with: ${fix}`];
  }
}
