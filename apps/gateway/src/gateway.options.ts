/** Configuration of the gateway. */
import { Environment } from '@shop/contracts';

/** Everything the gateway is told from outside. */
export interface GatewayOptions {
  /** TCP port of 127.0.0.1; 0 lets the system choose. */
  readonly port: number;
  /** Redis of the message transport. */
  readonly transportUrl: string;
}

/** Reads PORT and TRANSPORT_URL. @throws EnvironmentError */
export function gatewayOptions(variables?: NodeJS.ProcessEnv): GatewayOptions {
  const environment = new Environment('gateway', variables);
  return {
    port: environment.port('PORT'),
    transportUrl: environment.url('TRANSPORT_URL', 'redis', 'redis://127.0.0.1:6379'),
  };
}
