/** What an error says about its command. By text, not class: classes differ between ioredis versions. */
import type { RedisExecuted } from './redis.errors.js';

/** Replies of a server that refused the command for now. */
const REFUSED = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY)\b/;

/** Replies of a node of a Cluster that does not have the slot; ioredis follows most of them itself. */
const ELSEWHERE = /^(MOVED|ASK) /;

/** Errors of ioredis about commands it has not sent. */
const NOT_SENT = /^(Stream isn't writeable|None of startup nodes is available)/;

/** Errors of ioredis and Node about a connection that is gone. */
const LOST_MESSAGE =
  /^(Connection is closed|Command timed out|Command aborted|Failed to refresh slots cache|Reached the max retries per request limit)/;
const LOST_CODE =
  /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/**
 * Whether a failed command was executed, when the failure is one of the connection or of a server
 * that is not ready; undefined for the command's own errors, which no repetition would cure.
 */
export function executedDespite(error: unknown): RedisExecuted | undefined {
  const { message, code } = textOf(error);
  if (REFUSED.test(message) || ELSEWHERE.test(message) || NOT_SENT.test(message)) return 'no';
  if (LOST_MESSAGE.test(message) || LOST_CODE.test(code)) return 'unknown';
  return undefined;
}

/** True when a script is not (or no longer) in the server's script cache. */
export function isScriptMissing(error: unknown): boolean {
  return textOf(error).message.startsWith('NOSCRIPT');
}

/** True when the user of the connection lacks a right: to ask again is no use. */
export function isPermissionDenied(error: unknown): boolean {
  return textOf(error).message.startsWith('NOPERM');
}

/** True when another node of the Cluster is in charge of the key. */
export function isSlotElsewhere(error: unknown): boolean {
  return ELSEWHERE.test(textOf(error).message);
}

function textOf(error: unknown): { message: string; code: string } {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return { message: String(message), code: String(code) };
}
