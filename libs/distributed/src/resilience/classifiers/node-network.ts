/** Errors of Node's sockets and of undici, by `code`. */
import type { ErrorClassifier, Executed } from '../failure.js';

/** The connection was never made, so nothing was sent. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EAI_AGAIN',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The connection broke, or stayed silent, after something may have been sent. */
const AFTER_SENDING = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_SOCKET_CLOSED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Codes and what they mean for the work: https://nodejs.org/api/errors.html, undici's errors.js. */
export const nodeNetworkErrors: ErrorClassifier = (error) => {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code !== 'string') return undefined;
  const executed = executedOf(code, syscall);
  return executed && { kind: 'transient', executed, source: 'node', code };
};

function executedOf(code: string, syscall: unknown): Executed | undefined {
  if (code === 'ETIMEDOUT') return syscall === 'connect' ? 'no' : 'unknown';
  if (BEFORE_SENDING.has(code)) return 'no';
  return AFTER_SENDING.has(code) ? 'unknown' : undefined;
}
