/** What a refusal of Redis means for the rights of its user. */

/** A right the locks need and do not have. */
export interface MissingPermission {
  /** For people. */
  readonly problem: string;
  /** The rule of ACL SETUSER that grants it; undefined when no right would help. */
  readonly rule: string | undefined;
}

/** The names a user must have access to. */
export interface LockNames {
  /** Patterns of keys. */
  readonly keys: readonly string[];
  /** Pattern of channels. */
  readonly channels: string;
}

const DENIED = /NOPERM|ACL failure|The user executing the script can't/;
const UNKNOWN = /unknown (redis )?command/i;

/** Undefined when the error says nothing about rights. */
export function missingPermission(
  command: string,
  error: unknown,
  { keys, channels }: LockNames,
): MissingPermission | undefined {
  const text = error instanceof Error ? error.message : String(error);
  const name = command.toUpperCase();
  if (UNKNOWN.test(text)) {
    return { problem: `the server has no command ${name}, or it was renamed`, rule: undefined };
  }
  if (!DENIED.test(text)) return undefined;
  if (/channel/.test(text))
    return { problem: `${name} on the channels ${channels} is refused`, rule: `&${channels}` };
  if (/\bkeys?\b/.test(text)) {
    const rule = keys.map((pattern) => `~${pattern}`).join(' ');
    return { problem: `${name} on the keys ${keys.join(' and ')} is refused`, rule };
  }
  return { problem: `${name} is refused`, rule: `+${command.toLowerCase()}` };
}
