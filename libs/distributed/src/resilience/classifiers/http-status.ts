/** HTTP answers carried by errors of Nest (`HttpException`), axios, superagent, got and others. */
import type { ErrorClassifier, Executed, FailureKind } from '../failure.js';

interface Answer {
  readonly status: number;
  readonly headers: unknown;
}

/** Statuses worth another try (RFC 9110, RFC 6585, RFC 8470). */
const NOT_NOW: Readonly<Record<number, readonly [FailureKind, Executed]>> = {
  408: ['transient', 'unknown'],
  425: ['transient', 'no'],
  429: ['throttled', 'no'],
  502: ['transient', 'unknown'],
  503: ['overloaded', 'unknown'],
  504: ['transient', 'unknown'],
};

/** A status from 400 to 599; `Retry-After` in seconds or as a date is read too. */
export const httpStatuses: ErrorClassifier = (error) => {
  const answer = answerOf(error);
  if (!answer) return undefined;
  const code = String(answer.status);
  const notNow = NOT_NOW[answer.status];
  if (!notNow) return { kind: 'permanent', executed: 'yes', source: 'http', code };
  const [kind, executed] = notNow;
  const retryAfterMs = retryAfterOf(answer.headers);
  if (retryAfterMs === undefined) return { kind, executed, source: 'http', code };
  // A server that says when to come back has turned the request away, not begun it.
  return {
    kind,
    executed: answer.status === 503 ? 'no' : executed,
    source: 'http',
    code,
    retryAfterMs,
  };
};

function answerOf(error: object): Answer | undefined {
  const candidate = error as {
    getStatus?: unknown;
    response?: { status?: unknown; statusCode?: unknown; headers?: unknown };
    status?: unknown;
    statusCode?: unknown;
    headers?: unknown;
  };
  const response = typeof candidate.response === 'object' ? candidate.response : undefined;
  const status = [
    typeof candidate.getStatus === 'function'
      ? (candidate.getStatus as () => unknown)()
      : undefined,
    response?.status,
    response?.statusCode,
    candidate.status,
    candidate.statusCode,
  ].find((value) => typeof value === 'number' && value >= 400 && value < 600);
  return status === undefined
    ? undefined
    : { status: status as number, headers: response?.headers ?? candidate.headers };
}

function retryAfterOf(headers: unknown): number | undefined {
  const value = headerOf(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  // Both dates are the server's, so the two machines' clocks need not agree.
  const until = Date.parse(value);
  const from = Date.parse(headerOf(headers, 'date') ?? '');
  return Number.isNaN(until) || Number.isNaN(from) ? undefined : Math.max(0, until - from);
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { get?: unknown };
  const value: unknown =
    typeof get === 'function'
      ? (get as (name: string) => unknown).call(headers, name)
      : (headers as Record<string, unknown>)[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
