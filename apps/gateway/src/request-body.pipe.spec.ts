/** What the gateway lets in. */
import { describe, expect, it } from '@jest/globals';
import { id, IdPipe, listOf, positive, RequestBodyPipe } from './request-body.pipe.js';

const order = new RequestBodyPipe<{ orderId: string; items: object[] }>({
  orderId: id,
  items: listOf({ sku: id, quantity: positive }),
});

describe('RequestBodyPipe', () => {
  it('passes what was asked for and drops the rest', () => {
    const body = { orderId: 'o-1', items: [{ sku: 'a', quantity: 1 }], admin: true };
    expect(order.transform(body)).toEqual({ orderId: 'o-1', items: body.items });
  });

  it.each([
    [undefined, 'a JSON object is expected'],
    ['text', 'a JSON object is expected'],
    [{ items: [] }, 'orderId must be 1 to 100 letters'],
    [{ orderId: 'o', items: [] }, 'items must be a list that is not empty'],
    [{ orderId: 'o', items: [{ sku: 'a', quantity: 0.5 }] }, '[0].quantity must be a whole number'],
  ])('refuses %j', (body, problem) => {
    expect(() => order.transform(body)).toThrow(problem);
  });
});

describe('ids', () => {
  it.each(['', 'a b', 'a/b', 'é', 'x'.repeat(101), '\u0000'])('%j is none', (value) => {
    expect(() => new IdPipe().transform(value)).toThrow('the id in the path');
  });

  it('keeps the others', () => {
    expect(new IdPipe().transform('s:1.2_x-Y')).toBe('s:1.2_x-Y');
  });
});

describe('positive', () => {
  it.each([0, -1, 1.5, 2_147_483_648, '1', Number.NaN])('refuses %j', (value) => {
    expect(positive(value)).toBeDefined();
  });
});
