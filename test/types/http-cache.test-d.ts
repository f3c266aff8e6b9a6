/* oxlint-disable typescript/no-extraneous-class -- type-level tests */
/** What must and what must not compile around @HttpCache. */
import { HttpCache } from '../../libs/distributed/src/cache/index.js';

interface AppRequest {
  readonly user?: { readonly id: number; readonly tenant: string };
}

@HttpCache({ name: 'catalog', ttl: '30s', vary: ['Accept-Language'], principal: 'public' })
export class MustCompile {
  @HttpCache({ principal: (request: AppRequest) => request.user?.id })
  async one(): Promise<void> {}

  @HttpCache({
    principal: ({ user }: AppRequest) => (user ? [user.tenant, user.id] : null),
  })
  async several(): Promise<void> {}

  @HttpCache({ principal: ({ headers }) => headers['x-user']?.toString() })
  async header(): Promise<void> {}
}

export class MustNotCompile {
  // @ts-expect-error an object is not somebody: name the parts that identify
  @HttpCache({ principal: (request: AppRequest) => request.user })
  async object(): Promise<void> {}

  // @ts-expect-error 'anybody' is not a way to say 'public'
  @HttpCache({ principal: 'anybody' })
  async word(): Promise<void> {}

  // @ts-expect-error a unit is missing
  @HttpCache({ ttl: '30' })
  async unit(): Promise<void> {}

  // @ts-expect-error not an option
  @HttpCache({ key: 'all' })
  async unknown(): Promise<void> {}
}
