/** Lua scripts: written in files of their own, run by digest, sent in full only when unknown. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isScriptMissing } from './redis-failure.js';
import { isClusterClient, type RedisClient } from './redis.options.js';

/** An argument of a script. */
export type RedisArgument = string | number | Buffer;

/** What `defineScript` needs. */
export interface RedisScriptDefinition<R> {
  /** The file: `new URL('./scripts/acquire.lua', import.meta.url)`. */
  readonly url: URL;
  /**
   * A file of functions that several scripts use. It stands in for the line `-- @prelude` of the
   * script, or else in front of it: what comes before that line does not pay for the functions.
   */
  readonly prelude?: URL;
  /** How many KEYS it takes; all of one hash tag. Default: as many as a call has. */
  readonly keys?: number;
  /** Turns the raw reply into a value. */
  readonly parse: (reply: unknown) => R;
}

/**
 * A script. It may be executed twice for one call, when its reply was lost; so it must recognise its
 * own repetition and reply the same.
 */
export interface RedisScript<R> {
  /** File name without extension; the label of its calls. */
  readonly name: string;
  readonly source: string;
  readonly sha: string;
  readonly keys?: number | undefined;
  readonly parse: (reply: unknown) => R;
}

/** Keys and arguments of one call. */
export interface RedisScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly RedisArgument[];
}

const PRELUDE = '-- @prelude\n';

/** Reads a script. To be called where the module is loaded, so that a missing file shows at once. */
export function defineScript<R>(definition: RedisScriptDefinition<R>): RedisScript<R> {
  const { url, prelude, keys, parse } = definition;
  const name = basename(fileURLToPath(url), '.lua');
  const files = prelude ? [prelude, url] : [url];
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const [functions, text] = texts;
  const source = text?.includes(PRELUDE)
    ? text.replace(PRELUDE, () => functions ?? '')
    : texts.join('\n');
  return composeScript({ name, source, keys, parse });
}

/** A script whose text is not one file: for guards around the commands of others. */
export function composeScript<R>(parts: Omit<RedisScript<R>, 'sha'>): RedisScript<R> {
  return { ...parts, sha: createHash('sha1').update(parts.source).digest('hex') };
}

/** Who waits for the reply of one call. */
export interface ReplyListener<R> {
  readonly answered: (value: R) => void;
  readonly failed: (error: unknown) => void;
}

/** One call, without a promise but that of the client. */
export function sendScript<R>(
  client: RedisClient,
  script: RedisScript<R>,
  call: RedisScriptCall,
  { answered, failed }: ReplyListener<R>,
): void {
  const parameters = parametersOf(script, call);
  const replied = (reply: unknown): void => {
    try {
      answered(script.parse(reply));
    } catch (error) {
      failed(error);
    }
  };
  client.evalsha(script.sha, ...parameters).then(replied, (error: unknown) => {
    if (!isScriptMissing(error)) failed(error);
    else client.eval(script.source, ...parameters).then(replied, failed);
  });
}

function evalRaw(
  client: RedisClient,
  script: RedisScript<unknown>,
  call: RedisScriptCall,
): Promise<unknown> {
  const raw = { ...script, parse: (reply: unknown) => reply };
  return new Promise((answered, failed) => sendScript(client, raw, call, { answered, failed }));
}

/** The raw reply of one call among several, or its error. */
export type RawResult = readonly [error: unknown, reply?: unknown];

/** Several calls, written at once: one round trip, two when the server does not know the script. */
export async function evalScripts(
  client: RedisClient,
  script: RedisScript<unknown>,
  calls: readonly RedisScriptCall[],
): Promise<RawResult[]> {
  // A pipeline of ioredis must stay on one node. In a Cluster the commands go out one by one, each
  // to its node, without waiting for one another.
  if (isClusterClient(client)) {
    return Promise.all(
      calls.map(async (call): Promise<RawResult> => {
        try {
          return [null, await evalRaw(client, script, call)];
        } catch (error) {
          return [error];
        }
      }),
    );
  }
  const send = async (command: 'evalsha' | 'eval', batch: readonly RedisScriptCall[]) => {
    const pipeline = client.pipeline();
    const body = command === 'eval' ? script.source : script.sha;
    for (const call of batch) pipeline[command](body, ...parametersOf(script, call));
    return (await pipeline.exec()) ?? [];
  };
  const results: RawResult[] = await send('evalsha', calls);
  const unknown = results.flatMap(([error], index) => (isScriptMissing(error) ? [index] : []));
  if (unknown.length > 0) {
    const again = await send(
      'eval',
      unknown.map((index) => calls[index] as RedisScriptCall),
    );
    for (const [position, index] of unknown.entries())
      results[index] = again[position] as RawResult;
  }
  return results;
}

/** The parameters of EVALSHA and EVAL behind the body. */
export function parametersOf(
  script: RedisScript<unknown>,
  call: RedisScriptCall,
): [number, ...RedisArgument[]] {
  if (script.keys !== undefined && call.keys.length !== script.keys) {
    throw new TypeError(
      `script '${script.name}' takes ${script.keys} keys, received ${call.keys.length}`,
    );
  }
  return [call.keys.length, ...call.keys, ...call.args];
}
