import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Recorded, RecordingHandler } from '../../../../test/support/recording-aspect.fixture.js';
import { AspectRuntime, bindAspects } from '../aspects/index.js';

class Orders {
  constructor(private readonly price: number) {}

  @Recorded()
  async total(count: number): Promise<number> {
    return count * this.price;
  }
}

describe('nestjs-distributed/testing/pass-through', () => {
  beforeAll(async () => {
    await expect(new Orders(2).total(3)).rejects.toMatchObject({ code: 'E_ASPECT_UNBOUND' });
    await import('./pass-through.js');
  });

  afterAll(() => {
    Reflect.deleteProperty(globalThis, Symbol.for('nestjs-distributed:unbound-pass-through'));
  });

  it('runs decorated methods of hand-made instances bare', async () => {
    expect(await new Orders(2).total(3)).toBe(6);
  });

  it('leaves instances of an application protected', async () => {
    const journal: string[] = [];
    await bindAspects(
      new Orders(2),
      new AspectRuntime([new RecordingHandler('lock', journal)]),
    ).total(1);
    expect(journal).toEqual(['lock>', '<lock']);
  });
});
