/** Errors of PostgreSQL by SQLSTATE, and of the pg driver by text. TypeORM's are unwrapped before. */
import type { ErrorClassifier, Executed, FailureKind } from '../failure.js';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const STATES: Readonly<Record<string, readonly [FailureKind, Executed]>> = {
  '08001': ['transient', 'no'],
  '08004': ['transient', 'no'],
  '57P03': ['transient', 'no'],
  '53300': ['overloaded', 'no'],
  '08000': ['transient', 'unknown'],
  '08003': ['transient', 'unknown'],
  '08006': ['transient', 'unknown'],
  '57P01': ['transient', 'unknown'],
  '57P02': ['transient', 'unknown'],
  // Rolled back by the server, so repeating the whole transaction is safe.
  '40001': ['transient', 'no'],
  '40P01': ['transient', 'no'],
  '25006': ['transient', 'no'],
  '55P03': ['transient', 'no'],
  '57014': ['transient', 'no'],
};

const CONNECTION_LOST =
  /^(Connection terminated|Query read timeout$|Client has encountered a connection error and is not queryable|Client was closed and is not queryable)/;
/** pg or pg-pool gave up before a connection existed. */
const NO_CONNECTION =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated due to connection timeout)$/;

/** SQLSTATEs are recognised by their `severity`, which every error of a server carries. */
export const postgresErrors: ErrorClassifier = (error) => {
  const { code, severity, message } = error as Record<'code' | 'severity' | 'message', unknown>;
  if (typeof code === 'string' && typeof severity === 'string') {
    const [kind, executed] = STATES[code] ?? (['permanent', 'yes'] as const);
    return { kind, executed, source: 'postgres', code };
  }
  if (typeof message !== 'string') return undefined;
  if (NO_CONNECTION.test(message))
    return { kind: 'transient', executed: 'no', source: 'postgres', code: 'CONNECT_TIMEOUT' };
  if (CONNECTION_LOST.test(message))
    return { kind: 'transient', executed: 'unknown', source: 'postgres', code: 'CONNECTION_LOST' };
  return undefined;
};
