/** Validation of options: one place that turns schema issues into "path: problem" messages. */
import * as v from 'valibot';
import { InvalidOptionsError } from './distributed.errors.js';
import { type Duration, parseDuration } from './time/duration.js';

/** A `Duration` option; its output is milliseconds. */
export const durationSchema = v.pipe(
  v.custom<Duration>(
    (value) => parseDuration(value) !== undefined,
    (issue) =>
      `expected a duration such as '250ms', '5s', '2m' or milliseconds, received ${show(issue.input)}`,
  ),
  v.transform((value) => parseDuration(value) as number),
);

/**
 * Checks `value` and returns it with defaults filled in.
 * @param path where the value stands, as the user wrote it: `DistributedModule.forRoot().lock`
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` naming the first wrong field and the fix
 */
export function validateOptions<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  path: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue);
  throw new InvalidOptionsError(field ? `${path}.${field}` : path, problemOf(issue, field));
}

/** What JSON tells apart; numbers it does not (NaN, Infinity) are no valid options. */
const PLAIN: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'undefined']);

/** Each decorated method has a set of its own, by its name; more than this nobody writes by hand. */
const REMEMBERED = 1_000;

/**
 * `parse`, which remembers what it made of plain options: strings, numbers and booleans. Call sites
 * write the same few again and again, and checking them costs as much as the call itself.
 */
export function remembering<O extends object, P extends object>(
  parse: (options: O) => P,
): (options: O) => P {
  const known = new Map<string, P>();
  return (options) => {
    if (!isPlain(options)) return parse(options);
    const text = JSON.stringify(options);
    const before = known.get(text);
    if (before) return before;
    const parsed = Object.freeze(parse(options));
    if (known.size < REMEMBERED) known.set(text, parsed);
    return parsed;
  };
}

function isPlain(options: unknown): boolean {
  if (typeof options !== 'object' || options === null) return false;
  return Object.values(options).every((value) => PLAIN.has(typeof value));
}

function problemOf(issue: v.BaseIssue<unknown>, field: string | null): string {
  if (issue.expected === 'never')
    return `unknown option${field ? ` '${field.split('.').at(-1)}'` : ''}; remove it or check its spelling`;
  return issue.message;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
