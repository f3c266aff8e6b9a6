/** What must and what must not compile on top of the resilience decorators. */
import {
  Bulkhead,
  CircuitBreaker,
  Fallback,
  Resilient,
  Retry,
  Timeout,
} from '../../libs/distributed/src/resilience/index.js';

interface Price {
  readonly id: string;
  readonly cents: number | null;
}

export class MustCompile {
  readonly substitute = 0;

  @Resilient('payments')
  async byName(_id: string): Promise<void> {}

  @Resilient('payments', { idempotent: true })
  async byNameWithOverrides(): Promise<void> {}

  @Resilient({ idempotent: true, retry: { maxAttempts: 4 }, bulkhead: 20, circuitBreaker: false })
  @Fallback(() => 1)
  async inPlace(): Promise<number> {
    return 1;
  }

  @Retry({ maxAttempts: 3, idempotent: true, backoff: { initial: '10ms' } })
  @Timeout({ attempt: '2s', total: 5_000 })
  @CircuitBreaker({ failureRate: 0.2 })
  @Bulkhead({ maxConcurrent: 2, maxQueue: 10 })
  async parts(): Promise<void> {}

  @Fallback((_error, [id]: [string]) => ({ id, cents: null }))
  async price(id: string, _currency: string): Promise<Price> {
    return { id, cents: 1 };
  }

  @Fallback(async () => null)
  async wideResult(): Promise<Price | null> {
    return null;
  }

  @Fallback(function (this: MustCompile) {
    return this.substitute;
  })
  async instance(): Promise<number> {
    return 1;
  }

  @Fallback((error) => {
    throw error;
  })
  async translated(): Promise<number> {
    return 1;
  }
}

export class MustNotCompile {
  // @ts-expect-error the method promises a number
  @Fallback(() => 'none')
  async wrongResult(): Promise<number> {
    return 1;
  }

  // @ts-expect-error the first parameter is a number
  @Fallback((_error, [id]: [string]) => id)
  async wrongArguments(_id: number): Promise<string> {
    return '';
  }

  // @ts-expect-error a synchronous method cannot be repeated
  @Retry()
  synchronous(): number {
    return 1;
  }

  // @ts-expect-error no such option
  @Retry({ attempts: 3 })
  async unknownOption(): Promise<void> {}

  // @ts-expect-error not a duration
  @Timeout('2 seconds')
  async wrongDuration(): Promise<void> {}
}
