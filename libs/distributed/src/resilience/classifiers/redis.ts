/** Errors of ioredis itself, and replies of a Redis server. */
import type { ErrorClassifier, FailureKind } from '../failure.js';

/** ioredis reports a lost connection with plain errors: only their text tells them apart. */
const LOST = /^(Connection is closed\.|Command timed out$|Command aborted )/;
const NEVER_WRITTEN =
  /^(Stream|Cluster) isn't (writeable|ready) and enableOfflineQueue options is false/;
const CLIENT_GAVE_UP = new Set(['MaxRetriesPerRequestError', 'ClusterAllFailedError']);

/** What the client could not deliver, or does not know the answer to. */
export const ioredisErrors: ErrorClassifier = (error) => {
  const { name, message } = error as { name?: unknown; message?: unknown };
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  if (CLIENT_GAVE_UP.has(name))
    return { kind: 'transient', executed: 'unknown', source: 'ioredis', code: name };
  if (NEVER_WRITTEN.test(message))
    return { kind: 'transient', executed: 'no', source: 'ioredis', code: 'NOT_WRITEABLE' };
  if (LOST.test(message))
    return { kind: 'transient', executed: 'unknown', source: 'ioredis', code: 'CONNECTION_LOST' };
  return undefined;
};

/** Replies that say "not now"; a server that sends one has not run the command. */
const NOT_NOW: Readonly<Record<string, FailureKind>> = {
  READONLY: 'transient',
  LOADING: 'transient',
  MASTERDOWN: 'transient',
  NOREPLICAS: 'transient',
  CLUSTERDOWN: 'transient',
  TRYAGAIN: 'transient',
  UNBLOCKED: 'transient',
  NOSCRIPT: 'transient',
  NOGROUP: 'transient',
  MISCONF: 'overloaded',
  BUSY: 'overloaded',
  OOM: 'overloaded',
};

/** By name and not by class: ioredis 6 and node-redis name the class `SimpleError`. */
const REPLY_ERRORS = new Set(['ReplyError', 'SimpleError', 'ErrorReply']);

/** Replies, by their prefix: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export const redisReplies: ErrorClassifier = (error) => {
  const { name, message } = error as { name?: unknown; message?: unknown };
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  if (!REPLY_ERRORS.has(name)) return undefined;
  const code = /^-?([A-Z]+)\b/.exec(message)?.[1];
  const kind = code === undefined ? undefined : NOT_NOW[code];
  if (kind) return { kind, executed: 'no', source: 'redis', code };
  return { kind: 'permanent', executed: 'yes', source: 'redis', code };
};
