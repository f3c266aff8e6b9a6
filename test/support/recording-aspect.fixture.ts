/** A decorator and a handler that write down what passes through them: the kernel's test subject. */
import type { DynamicModule, Type } from '@nestjs/common';
import {
  AspectBinder,
  type AspectCall,
  type AspectHandler,
  type AspectKind,
  AspectRuntime,
  type MethodAspect,
  weave,
} from '../../libs/distributed/src/aspects/index.js';

/** Names a kind after a method: `@Recorded('lock')`. */
export function Recorded(kind: AspectKind = 'lock', order?: number): MethodAspect {
  return weave<string>({ kind, decorator: 'Recorded', order, options: () => kind });
}

/** Writes `kind>` on the way in and `<kind` on the way out. */
export class RecordingHandler implements AspectHandler<string> {
  readonly calls: AspectCall[] = [];

  constructor(
    readonly kind: AspectKind,
    readonly journal: string[],
  ) {}

  async run(_options: string, call: AspectCall, next: () => Promise<unknown>): Promise<unknown> {
    this.calls.push(call);
    this.journal.push(`${this.kind}>`);
    try {
      return await next();
    } finally {
      this.journal.push(`<${this.kind}`);
    }
  }
}

class RecordingModule {}

/** What DistributedModule is to the kernel: a global module with a runtime and the binder. */
export function recordingModule(journal: string[], kinds: AspectKind[] = ['lock']): DynamicModule {
  return {
    module: RecordingModule as Type,
    global: true,
    providers: [
      {
        provide: AspectRuntime,
        useFactory: () =>
          new AspectRuntime(kinds.map((kind) => new RecordingHandler(kind, journal))),
      },
      AspectBinder,
    ],
    exports: [AspectRuntime],
  };
}
