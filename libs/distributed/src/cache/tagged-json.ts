/** Plain data as JSON, with tags for what JSON cannot say: the readable codec, and the exact one. */
import { types } from 'node:util';

/** Marks a tagged node: `{ "$": "date", "v": 0 }`. A real key of this name is escaped. */
const TAG = '$';

/** The text of plain data. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(encode(value));
}

/** The plain data of a text made by `encodeJson`. */
export function decodeJson(text: string): unknown {
  return revive(JSON.parse(text));
}

function encode(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'bigint':
      return tagged('bigint', String(value));
    case 'undefined':
      return tagged('undefined');
    case 'object':
      return value === null ? null : encodeObject(value);
    default:
      return value;
  }
}

function encodeObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(encode);
  // An invalid date has no number in JSON: null stands for it.
  if (types.isDate(value)) return tagged('date', value.getTime());
  if (types.isMap(value))
    return tagged(
      'map',
      Array.from(value, ([key, item]) => [encode(key), encode(item)]),
    );
  if (types.isSet(value)) return tagged('set', Array.from(value, encode));
  const fields = Object.entries(value).map(([name, item]) => [name, encode(item)] as const);
  return Object.hasOwn(value, TAG) ? tagged('object', fields) : Object.fromEntries(fields);
}

function tagged(tag: string, value?: unknown): Record<string, unknown> {
  return { [TAG]: tag, v: value };
}

/** Replaces tagged nodes in place. */
function revive(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Object.hasOwn(node, TAG)) return reviveTagged(node as { $: string; v?: unknown });
  const fields = node as Record<string, unknown>;
  for (const key of Object.keys(fields)) fields[key] = revive(fields[key]);
  return fields;
}

function reviveTagged({ $: tag, v: value }: { $: string; v?: unknown }): unknown {
  switch (tag) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(value);
    case 'bigint':
      return BigInt(value as string);
    case 'date':
      return new Date((value as number | null) ?? Number.NaN);
    case 'map':
      return new Map(revive(value) as [unknown, unknown][]);
    case 'set':
      return new Set(revive(value) as unknown[]);
    default:
      return Object.fromEntries(revive(value) as [string, unknown][]);
  }
}
