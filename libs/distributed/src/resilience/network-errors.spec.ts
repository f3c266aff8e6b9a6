import { describe, expect, it, jest } from '@jest/globals';
import { HttpException, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { QueryFailedError } from 'typeorm';
import { DistributedError } from '../distributed.errors.js';
import type { ErrorClassifier, Executed, FailureKind } from './failure.js';
import { handleNetworkError, NetworkErrors } from './network-errors.js';
import { BulkheadFullError, CircuitOpenError, TimeoutExceededError } from './resilience.errors.js';

const coded = (code: string, more: object = {}): Error =>
  Object.assign(new Error(code), { code, ...more });
const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });
const sqlState = (code: string): Error => coded(code, { severity: 'ERROR', name: 'error' });
const status = (code: number, headers: object = {}): object => ({
  response: { status: code, headers },
});

type Row = [name: string, error: unknown, kind: FailureKind, executed: Executed];

const NODE: Row[] = [
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOTFOUND'].map((code): Row => [
    code,
    coded(code),
    'transient',
    'no',
  ]),
  ['connect ETIMEDOUT', coded('ETIMEDOUT', { syscall: 'connect' }), 'transient', 'no'],
  ['UND_ERR_CONNECT_TIMEOUT', coded('UND_ERR_CONNECT_TIMEOUT'), 'transient', 'no'],
  ...['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT'].map((code): Row => [
    code,
    coded(code),
    'transient',
    'unknown',
  ]),
  ['read ETIMEDOUT', coded('ETIMEDOUT', { syscall: 'read' }), 'transient', 'unknown'],
  ['fetch', new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }), 'transient', 'no'],
  ['happy eyeballs', new AggregateError([coded('ECONNREFUSED')]), 'transient', 'no'],
  ['AbortController', AbortSignal.abort().reason, 'cancelled', 'unknown'],
  ['AbortSignal.timeout', new DOMException('late', 'TimeoutError'), 'transient', 'unknown'],
];

const reply = (message: string, name = 'ReplyError'): Error => named(name, message);
const REDIS: Row[] = [
  ['MaxRetriesPerRequest', named('MaxRetriesPerRequestError', 'Reached'), 'transient', 'unknown'],
  ['closed', new Error('Connection is closed.'), 'transient', 'unknown'],
  [
    'aborted',
    named('AbortError', 'Command aborted due to connection close'),
    'transient',
    'unknown',
  ],
  ['timed out', new Error('Command timed out'), 'transient', 'unknown'],
  [
    'offline',
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    'transient',
    'no',
  ],
  ...['READONLY', 'LOADING', 'MASTERDOWN', 'NOREPLICAS', 'CLUSTERDOWN', 'TRYAGAIN'].map(
    (prefix): Row => [prefix, reply(`${prefix} later`), 'transient', 'no'],
  ),
  ...['OOM', 'BUSY', 'MISCONF'].map((prefix): Row => [
    prefix,
    reply(`${prefix} later`),
    'overloaded',
    'no',
  ]),
  ['UNBLOCKED', reply('UNBLOCKED the instance role has changed'), 'transient', 'no'],
  ['ioredis 6 names the class differently', reply('READONLY', 'SimpleError'), 'transient', 'no'],
  ['NOSCRIPT', reply('NOSCRIPT No matching script.'), 'transient', 'no'],
  ['NOGROUP', reply('NOGROUP No such consumer group'), 'transient', 'no'],
  ...['WRONGTYPE', 'ERR', 'WRONGPASS', 'NOAUTH', 'NOPERM', 'CROSSSLOT', 'EXECABORT'].map(
    (prefix): Row => [prefix, reply(`${prefix} no`), 'permanent', 'yes'],
  ),
];

const POSTGRES: Row[] = [
  ...['08001', '08004', '57P03', '40001', '40P01', '25006', '55P03', '57014'].map((code): Row => [
    code,
    sqlState(code),
    'transient',
    'no',
  ]),
  ['53300', sqlState('53300'), 'overloaded', 'no'],
  ...['08000', '08003', '08006', '57P01', '57P02'].map((code): Row => [
    code,
    sqlState(code),
    'transient',
    'unknown',
  ]),
  ...['22001', '23505', '42P01'].map((code): Row => [code, sqlState(code), 'permanent', 'yes']),
  ['lost', new Error('Connection terminated unexpectedly'), 'transient', 'unknown'],
  [
    'dead client (typeorm 5223)',
    new Error('Client has encountered a connection error and is not queryable'),
    'transient',
    'unknown',
  ],
  ['pool', new Error('timeout exceeded when trying to connect'), 'transient', 'no'],
  ['TypeORM wraps', new QueryFailedError('SELECT', [], sqlState('40P01')), 'transient', 'no'],
];

const HTTP: Row[] = [
  ['408', status(408), 'transient', 'unknown'],
  ['425', status(425), 'transient', 'no'],
  ['429', status(429), 'throttled', 'no'],
  ['502', status(502), 'transient', 'unknown'],
  ['503', status(503), 'overloaded', 'unknown'],
  ['503 with Retry-After', status(503, { 'retry-after': '1' }), 'overloaded', 'no'],
  ['504', status(504), 'transient', 'unknown'],
  ['500', status(500), 'permanent', 'yes'],
  ['404 of Nest', new NotFoundException(), 'permanent', 'yes'],
  ['503 of Nest', new ServiceUnavailableException(), 'overloaded', 'unknown'],
  ['status of its own', new HttpException('slow down', 429), 'throttled', 'no'],
];

const open = new CircuitOpenError('p', 250);
const timedOut = new TimeoutExceededError('p', {
  scope: 'attempt',
  timeoutMs: 1,
  executed: 'unknown',
});
const wire = (error: DistributedError): unknown => JSON.parse(JSON.stringify(error));
const OWN: Row[] = [
  ['CircuitOpenError', open, 'rejected', 'no'],
  [
    'BulkheadFullError',
    new BulkheadFullError('p', { maxConcurrent: 1, maxQueue: 0 }),
    'rejected',
    'no',
  ],
  ['TimeoutExceededError', timedOut, 'transient', 'unknown'],
  ['retryable', new DistributedError('E_X', 'x', { retryable: true }), 'transient', 'unknown'],
  ['not retryable', new DistributedError('E_X', 'x'), 'permanent', 'unknown'],
  ['CircuitOpenError of another service', wire(open), 'overloaded', 'no'],
  [
    'TimeoutExceededError of another service',
    new RpcException(wire(timedOut) as object),
    'transient',
    'unknown',
  ],
  ['any envelope', { retryable: true, executed: 'no' }, 'transient', 'no'],
  ['stock remote error', { status: 'error', message: 'Internal server error' }, 'permanent', 'yes'],
];

const OTHERS: Row[] = [
  ['a reply nobody can send any more', new Error('Connection closed'), 'transient', 'unknown'],
  ['a plain error', new Error('boom'), 'permanent', 'unknown'],
  ['a TypeError of the code', new TypeError('x is not a function'), 'permanent', 'unknown'],
  ['no object', 'boom', 'permanent', 'unknown'],
  ['undefined', undefined, 'permanent', 'unknown'],
  ['EPIPE is no SQLSTATE', coded('EPIPE'), 'transient', 'unknown'],
];

describe.each([
  ['Node and undici', NODE],
  ['ioredis and Redis', REDIS],
  ['PostgreSQL', POSTGRES],
  ['HTTP', HTTP],
  ['this library', OWN],
  ['everything else', OTHERS],
])('NetworkErrors.classify: %s', (_family, rows) => {
  it.each(rows)('%s', (_name, error, kind, executed) => {
    expect(NetworkErrors.classify(error)).toMatchObject({ kind, executed });
  });
});

describe('NetworkErrors.classify', () => {
  it('reads Retry-After in seconds, and as a date by the clock of the server', () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const until = 'Sun, 06 Nov 1994 08:49:47 GMT';
    const fetchHeaders = new Headers({ date, 'retry-after': until });
    expect(NetworkErrors.classify(status(429, { 'retry-after': 7 })).retryAfterMs).toBe(7_000);
    expect(NetworkErrors.classify(status(429, fetchHeaders)).retryAfterMs).toBe(10_000);
    expect(
      NetworkErrors.classify(status(429, { 'retry-after': until })).retryAfterMs,
    ).toBeUndefined();
  });

  it('carries retryAfterMs over the wire', () => {
    expect(NetworkErrors.classify(wire(open))).toMatchObject({ retryAfterMs: 250 });
  });

  it('believes the outermost statement, and a chain may be a cycle', () => {
    const refusedByUs = new NotFoundException('gone', { cause: coded('ECONNREFUSED') });
    expect(NetworkErrors.classify(refusedByUs).kind).toBe('permanent');
    const cyclic = new Error('a');
    cyclic.cause = new Error('b', { cause: cyclic });
    expect(NetworkErrors.classify(cyclic).source).toBe('unknown');
  });

  it('asks given classifiers first, and survives one that throws', () => {
    const flaky: ErrorClassifier = (error) =>
      (error as Error).message === 'flaky'
        ? { kind: 'transient', executed: 'no', source: 'mine' }
        : undefined;
    const broken: ErrorClassifier = () => {
      throw new Error('bug');
    };
    expect(NetworkErrors.classify(new Error('flaky'), [broken, flaky]).source).toBe('mine');
  });
});

describe('handleNetworkError', () => {
  it('tells the hook about the network, and about nothing else', () => {
    const hook = jest.fn();
    const error = coded('ECONNRESET');
    const failure = handleNetworkError(error, hook);
    handleNetworkError(new Error('boom'), hook);
    handleNetworkError(undefined, hook);
    expect(failure).toMatchObject({ kind: 'transient', source: 'node' });
    expect(hook.mock.calls).toEqual([[failure, error]]);
  });
});
