/** Clients of ioredis that count what they send. */
import { Redis, type RedisOptions } from 'ioredis';

/**
 * Commands sent by the clients of one competitor. Exact, where the server's own figures are not:
 * INFO commandstats and total_commands_processed include what scripts call, and MONITOR slows the
 * server down. `agreesWithMonitor` proves in every run that both count the same. What is published
 * to a subscriber is no command, PUBLISH and SUBSCRIBE are.
 */
export class CommandCounter {
  /** All of them since the beginning. */
  total = 0;
  /** Those whose arguments contain `watched`. */
  aboutWatched = 0;
  /** Part of a key or channel. */
  watched: string | undefined;

  /** To be told of each command. */
  count(args: readonly unknown[]): void {
    this.total++;
    const { watched } = this;
    if (watched === undefined) return;
    if (args.some((arg) => typeof arg === 'string' && arg.includes(watched))) this.aboutWatched++;
  }
}

/** A client whose commands, and those of its duplicates, are counted. */
export class CountingRedis extends Redis {
  readonly #url: string;
  readonly #counter: CommandCounter;

  constructor(url: string, counter: CommandCounter, options: RedisOptions = {}) {
    super(url, options);
    this.#url = url;
    this.#counter = counter;
  }

  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    this.#counter.count(command.args);
    return super.sendCommand(command, stream);
  }

  override duplicate(options: Partial<RedisOptions> = {}): Redis {
    return new CountingRedis(this.#url, this.#counter, { ...this.options, ...options });
  }
}
