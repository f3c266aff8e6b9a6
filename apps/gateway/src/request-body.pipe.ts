/** Checks what comes from outside; everything behind the gateway may rely on it. */
import { BadRequestException, type PipeTransform } from '@nestjs/common';

/** Says what is wrong with a value; undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

/** A name somebody chose: up to 100 letters, digits and `. : _ -`. */
export const id: Check = (value) =>
  typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value)
    ? undefined
    : 'must be 1 to 100 letters, digits or . : _ -';

/** A whole number that PostgreSQL can hold, at least 1. */
export const positive: Check = (value) =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= 2_147_483_647
    ? undefined
    : 'must be a whole number from 1 to 2147483647';

/** A list with something in it; every entry has these fields. */
export function listOf(fields: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length === 0) return 'must be a list that is not empty';
    for (const [index, entry] of value.entries()) {
      const problem = problemIn(fields, entry);
      if (problem) return `[${index}].${problem}`;
    }
    return undefined;
  };
}

/** Refuses bodies whose fields do not pass; fields nobody asked for are dropped. */
export class RequestBodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly fields: Readonly<Record<keyof T & string, Check>>) {}

  /** @throws BadRequestException HTTP 400 naming the first wrong field */
  transform(body: unknown): T {
    const problem = problemIn(this.fields, body);
    if (problem) throw new BadRequestException(problem);
    const names = Object.keys(this.fields);
    const given = body as Record<string, unknown>;
    return Object.fromEntries(names.map((name) => [name, given[name]])) as T;
  }
}

/** Refuses path parameters that are not ids. */
export class IdPipe implements PipeTransform<string, string> {
  /** @throws BadRequestException HTTP 400 */
  transform(value: string): string {
    const problem = id(value);
    if (problem) throw new BadRequestException(`the id in the path ${problem}`);
    return value;
  }
}

function problemIn(fields: Readonly<Record<string, Check>>, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'a JSON object is expected';
  for (const [name, check] of Object.entries(fields)) {
    const problem = check((value as Record<string, unknown>)[name]);
    if (problem) return `${name} ${problem}`;
  }
  return undefined;
}
