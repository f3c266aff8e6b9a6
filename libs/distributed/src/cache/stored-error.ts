/**
 * Errors of loads as others get them: those who waited for the load in another process, and, with
 * `cacheErrors`, everybody until they expire. Name, message, code and plain fields are kept; the
 * class too, if it is one of JavaScript's or of Nest's HTTP exceptions.
 */
import * as nest from '@nestjs/common';
import { decodeValue, encodeValue, type EncodedValue } from './cache-codec.js';

/** An error that says something of one call alone: it is not told to those who wait in other processes. */
export class UnsharedError extends Error {}

interface ErrorForm {
  readonly name: string;
  readonly type: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The stored form of a rejection; undefined when it is no error, not to be shared, or not plain data. */
export function encodeError(error: unknown, label: string): EncodedValue | undefined {
  if (!(error instanceof Error) || error instanceof UnsharedError) return undefined;
  const { name, message } = error;
  const fields = Object.fromEntries(
    Object.entries(error).filter(([field]) => field !== 'stack' && field !== 'cause'),
  );
  const form: ErrorForm = { name, type: error.constructor.name, message, fields };
  try {
    return encodeValue(form, label, 'msgpack');
  } catch {
    return undefined;
  }
}

/** The error of a form made by `encodeError`. */
export function decodeError(form: EncodedValue): Error {
  const { name, type, message, fields } = decodeValue(form) as ErrorForm;
  const error = new Error(message);
  const known = KNOWN.get(type);
  if (known) Object.setPrototypeOf(error, known.prototype as object);
  Object.assign(error, fields);
  if (error.name !== name)
    Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  return error;
}

type ErrorClass = abstract new (...args: never[]) => Error;

const NEST_ERRORS = Object.values<unknown>({ ...nest }).filter(
  (value): value is ErrorClass =>
    typeof value === 'function' &&
    (value === nest.HttpException || value.prototype instanceof nest.HttpException),
);

/** Error classes that every process knows, by name. */
const KNOWN: ReadonlyMap<string, ErrorClass> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, ...NEST_ERRORS].map(
    (type) => [type.name, type],
  ),
);
