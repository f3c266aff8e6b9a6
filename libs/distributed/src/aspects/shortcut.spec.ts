/** A shortcut answers a call before its chain, and only where nothing stands outside of its aspect. */
import { describe, expect, it } from '@jest/globals';
import { Recorded, RecordingHandler } from '../../../../test/support/recording-aspect.fixture.js';
import { type AspectMethod, NO_ANSWER, type Shortcut } from './aspect.js';
import { bindAspects } from './aspect-binding.js';
import { AspectRuntime } from './aspect-runtime.js';

class ShortcutHandler extends RecordingHandler {
  readonly made: AspectMethod[] = [];

  constructor(
    kind: 'cache' | 'lock',
    journal: string[],
    private readonly answer: (className: string) => Shortcut | undefined,
  ) {
    super(kind, journal);
  }

  shortcut(_options: string, method: AspectMethod): Shortcut | undefined {
    this.made.push(method);
    return this.answer(method.targetClass.name);
  }
}

class Subject {
  @Recorded('lock')
  @Recorded('cache')
  async both(id: number): Promise<string> {
    return `body ${id}`;
  }

  @Recorded('lock')
  async locked(): Promise<string> {
    return 'body';
  }
}
class Heir extends Subject {}

function setUp(answer: (className: string) => Shortcut | undefined) {
  const journal: string[] = [];
  const cache = new ShortcutHandler('cache', journal, answer);
  const runtime = new AspectRuntime([cache, new RecordingHandler('lock', journal)]);
  return { journal, cache, runtime };
}

describe('a shortcut', () => {
  it('answers instead of the chain, with undefined too', async () => {
    const answers: unknown[] = ['short', undefined, NO_ANSWER];
    const { journal, runtime } = setUp(
      () =>
        ([id]) =>
          answers[id as number],
    );
    const subject = bindAspects(new Subject(), runtime);
    expect(await subject.both(0)).toBe('short');
    expect(await subject.both(1)).toBeUndefined();
    expect(journal).toEqual([]);
    expect(await subject.both(2)).toBe('body 2');
    expect(journal).toEqual(['cache>', 'lock>', '<lock', '<cache']);
  });

  it('belongs to the outermost aspect: one further in is never asked (catches a cache that answers for another shard)', async () => {
    const journal: string[] = [];
    const lock = new ShortcutHandler('lock', journal, () => () => 'never');
    const runtime = new AspectRuntime([new RecordingHandler('cache', journal), lock]);
    expect(await bindAspects(new Subject(), runtime).both(1)).toBe('body 1');
    expect(lock.made).toEqual([]);
    expect(journal).toEqual(['cache>', 'lock>', '<lock', '<cache']);
  });

  it('is made once per method and class, and may be refused', async () => {
    const { cache, runtime } = setUp((name) => (name === 'Heir' ? () => name : undefined));
    const [subject, heir] = [new Subject(), new Heir()].map((it) => bindAspects(it, runtime));
    for (let call = 0; call < 3; call++) {
      expect(await subject?.both(1)).toBe('body 1');
      expect(await heir?.both(1)).toBe('Heir');
    }
    expect(cache.made.map(({ targetClass, methodName }) => [targetClass, methodName])).toEqual([
      [Subject, 'both'],
      [Heir, 'both'],
    ]);
  });

  it('of one application says nothing in another', async () => {
    const [one, two] = ['one', 'two'].map((name) => setUp(() => () => name).runtime);
    const subjects = [one, two].map((runtime) => bindAspects(new Subject(), runtime!));
    expect(await Promise.all(subjects.map((subject) => subject.both(1)))).toEqual(['one', 'two']);
  });

  it('that throws rejects the call', async () => {
    const problem = new Error('no key');
    const { runtime } = setUp(() => () => {
      throw problem;
    });
    await expect(bindAspects(new Subject(), runtime).both(1)).rejects.toBe(problem);
  });

  it('is not asked by a runtime that passes through, nor for a method without its aspect', async () => {
    const subject = bindAspects(new Subject(), AspectRuntime.passThrough());
    expect(await subject.both(1)).toBe('body 1');
    const { cache, runtime } = setUp(() => () => 'short');
    expect(await bindAspects(new Subject(), runtime).locked()).toBe('body');
    expect(cache.made).toEqual([]);
  });
});
