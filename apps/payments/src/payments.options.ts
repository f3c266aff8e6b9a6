/** Configuration of the payments service. */
import { Environment } from '@shop/contracts';

/** Everything the service is told from outside. */
export interface PaymentsOptions {
  /** Name of this process, for example `payments-1`. */
  readonly replica: string;
  /** Redis of the message transport. */
  readonly transportUrl: string;
  /** PostgreSQL. */
  readonly databaseUrl: string;
  /** Root of the payment provider's HTTP API. */
  readonly providerUrl: string;
}

/** Token of `PaymentsOptions`. */
export const PAYMENTS_OPTIONS = Symbol('shop:payments-options');

/** Reads REPLICA, TRANSPORT_URL, DATABASE_URL and PROVIDER_URL. @throws EnvironmentError */
export function paymentsOptions(variables?: NodeJS.ProcessEnv): PaymentsOptions {
  const environment = new Environment('payments', variables);
  return {
    replica: environment.text('REPLICA', 'payments-1'),
    transportUrl: environment.url('TRANSPORT_URL', 'redis', 'redis://127.0.0.1:6379'),
    databaseUrl: paymentsDatabaseUrl(variables),
    providerUrl: environment.url('PROVIDER_URL', 'http', 'http://127.0.0.1:4000'),
  };
}

/** Reads DATABASE_URL, all that the migrations need. @throws EnvironmentError */
export function paymentsDatabaseUrl(variables?: NodeJS.ProcessEnv): string {
  const environment = new Environment('payments', variables);
  return environment.url('DATABASE_URL', 'postgres', 'postgres://localhost/shop_payments');
}
