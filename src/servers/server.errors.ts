/** What goes wrong while servers are provided. */

/** A server process ended, or stayed silent, before it was ready. */
export class ServerStartError extends Error {
  /** True when another process holds the port, so that another port may work. */
  readonly portTaken: boolean;

  constructor(name: string, reason: string, log: string) {
    super(`${name} did not start: ${reason}\n${log.trim()}`);
    this.name = 'ServerStartError';
    this.portTaken = /address already in use|could not bind/i.test(log);
  }
}

/** No binary of a server could be found or provided; the message says what to install. */
export class ServerMissingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerMissingError';
  }
}
