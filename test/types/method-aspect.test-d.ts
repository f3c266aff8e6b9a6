/* oxlint-disable typescript/no-explicit-any, typescript/no-extraneous-class -- type-level tests */
/** What must and what must not compile. Checked by `method-aspect.spec.ts` and by `npm run typecheck`. */
import type { Observable } from 'rxjs';
import type { KeyInput, MethodAspect } from '../../libs/distributed/src/aspects/index.js';

/** The two shapes of decorators in the library: keyed by parameters, and reading the result. */
declare function Keyed<A extends any[] = any[]>(options: {
  key: KeyInput | ((...args: A) => KeyInput);
}): MethodAspect<A>;
declare function Tagged<A extends any[] = any[], R = any>(options: {
  tags: (result: R, ...args: A) => string[];
}): MethodAspect<A, R>;
declare function ByName(name: string): MethodAspect;

class Dto {
  id: string;
  amount: number;
}
interface User {
  id: string;
  orgId: string;
}

export class MustCompile {
  @Keyed({ key: (id: string) => id })
  async firstOfTwoParameters(_id: string, _dto: Dto): Promise<void> {}

  @Keyed({ key: (_id: string, dto: { id: string }) => ['order', dto.id] })
  async structuralSubsetOfADto(_id: string, _dto: Dto): Promise<void> {}

  @Keyed({ key: (id?: string) => id ?? 'none' })
  async optionalParameter(_id?: string): Promise<void> {}

  @Keyed({ key: (first: string) => first })
  async restParameters(..._ids: string[]): Promise<void> {}

  @Keyed({ key: 'constant' })
  async constantKey(_id: number): Promise<number> {
    return 1;
  }

  @Keyed<[id: string]>({ key: (id) => id })
  async explicitTuple(_id: string, _page: number): Promise<void> {}

  @Tagged({ tags: (user: { orgId: string }, id: string) => [id, user.orgId] })
  async subsetOfTheResult(_id: string): Promise<User> {
    return { id: '', orgId: '' };
  }

  @ByName('policy')
  async anyAsyncMethod(_a: symbol, _b: Map<string, number>): Promise<User | null> {
    return null;
  }

  @ByName('policy')
  protected async protectedMethod(): Promise<void> {}
}

export class MustNotCompile {
  // @ts-expect-error the parameter is a number
  @Keyed({ key: (id: string) => id })
  async wrongParameterType(_id: number): Promise<void> {}

  // @ts-expect-error the method has no second parameter
  @Keyed({ key: (id: string, page: number) => [id, page] })
  async keyNeedsMoreParameters(_id: string): Promise<void> {}

  // @ts-expect-error the result has no orgId
  @Tagged({ tags: (user: { orgId: string }) => [user.orgId] })
  async wrongResult(): Promise<{ id: string }> {
    return { id: '' };
  }

  // @ts-expect-error a synchronous method cannot be protected
  @ByName('policy')
  synchronous(): number {
    return 1;
  }

  // @ts-expect-error an Observable outlives its protection
  @ByName('policy')
  observable(): Observable<number> {
    throw new Error('never called');
  }

  // @ts-expect-error accessors cannot be decorated
  @ByName('policy')
  get accessor(): number {
    return 1;
  }

  // @ts-expect-error arrow-function properties have no descriptor
  @ByName('policy')
  arrow = async (): Promise<void> => {};

  // @ts-expect-error an object identifies nothing
  @Keyed({ key: (dto: Dto) => dto })
  async objectKey(_dto: Dto): Promise<void> {}
}
