/** A handler may pass other arguments on: everything further in gets them, the body included. */
import { expect, it } from '@jest/globals';
import type { AspectCall, AspectHandler } from './aspect.js';
import type { AspectKind } from './aspect-order.js';
import { AspectRuntime } from './aspect-runtime.js';

type Next = (args?: readonly unknown[]) => Promise<unknown>;

class Handler implements AspectHandler {
  readonly seen: unknown[] = [];

  constructor(
    readonly kind: AspectKind,
    private readonly pass: (next: Next) => Promise<unknown>,
  ) {}

  run(_options: unknown, call: AspectCall, next: Next): Promise<unknown> {
    this.seen.push(call.args);
    return this.pass(next);
  }
}

const aspectOf = (kind: AspectKind, order: number) => ({
  kind,
  order,
  decorator: kind,
  options: undefined,
});

it('is handed down, twice if need be; what is no array of arguments changes nothing (catches: a lock taken for arguments)', async () => {
  const outer = new Handler('cache', (next) => next([2]));
  const middle = new Handler('lock', (next) => (next as (lock: object) => Promise<unknown>)({}));
  const inner = new Handler('transaction', (next) => next());
  const runtime = new AspectRuntime([outer, middle, inner]);
  const aspects = [aspectOf('cache', 1), aspectOf('lock', 2), aspectOf('transaction', 3)];
  const call = { instance: {}, targetClass: Object, methodName: 'run', args: [1] };
  const body = async (given?: readonly unknown[]): Promise<unknown> => given ?? call.args;
  expect(await runtime.invoke(aspects, call, body)).toEqual([2]);
  expect([outer.seen, middle.seen, inner.seen]).toEqual([[[1]], [[2]], [[2]]]);
  const changing = new Handler('lock', (next) => next([3]));
  const last = new AspectRuntime([outer, changing]);
  expect(await last.invoke(aspects.slice(0, 2), call, body)).toEqual([3]);
});
