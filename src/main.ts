/** `npm start`: command line → command → exit code. */
import 'reflect-metadata';
import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { ShopCommand } from './commands/shop.command.js';
import { RunnerModule } from './runner.module.js';
import { parseRunnerOptions, type RunnerOptions, USAGE } from './runner.options.js';

// Not `process.exit` before this settles: everything that was started must end first.
process.exit(await main(process.argv.slice(2)));

async function main(argv: readonly string[]): Promise<number> {
  let options: RunnerOptions;
  try {
    options = parseRunnerOptions(argv);
  } catch (error) {
    process.stderr.write(`${message(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  return run(options);
}

async function run(options: RunnerOptions): Promise<number> {
  const interrupted = new AbortController();
  // Every request in flight listens to it.
  setMaxListeners(0, interrupted.signal);
  // Stays installed: a second Ctrl-C, or one that npm passes on, must not cut the cleaning up short.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!interrupted.signal.aborted) process.stdout.write('\n  ending …\n');
      interrupted.abort(signal);
    });
  const app = await NestFactory.createApplicationContext(RunnerModule.register(options), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  try {
    return await app.get(ShopCommand).run(interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted)
      return 128 + constants.signals[interrupted.signal.reason as 'SIGINT'];
    process.stderr.write(`${message(error)}\n`);
    return 1;
  } finally {
    await app.close();
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
