/** Reads a service's configuration from environment variables; what is missing is said at once. */

/** A variable is missing or malformed; the message names it and shows an example. */
export class EnvironmentError extends Error {
  constructor(service: string, variable: string, problem: string, example: string) {
    super(`${service}: ${variable} ${problem}; set it, for example ${variable}=${example}`);
    this.name = 'EnvironmentError';
  }
}

const SCHEMES = {
  redis: ['redis:', 'rediss:'],
  postgres: ['postgres:', 'postgresql:'],
  http: ['http:', 'https:'],
} as const satisfies Record<string, readonly string[]>;

/** What a URL leads to. */
export type UrlKind = keyof typeof SCHEMES;

/** The environment of one service. There are no defaults: a wrong guess would hit a real server. */
export class Environment {
  readonly #service: string;
  readonly #variables: NodeJS.ProcessEnv;

  constructor(service: string, variables: NodeJS.ProcessEnv = process.env) {
    this.#service = service;
    this.#variables = variables;
  }

  /** A text variable. @throws EnvironmentError when missing or empty */
  text(variable: string, example: string): string {
    const value = this.#variables[variable]?.trim();
    if (!value) throw new EnvironmentError(this.#service, variable, 'is not set', example);
    return value;
  }

  /** A URL variable of that kind, also over TLS. @throws EnvironmentError */
  url(variable: string, kind: UrlKind, example: string): string {
    return this.#checked(variable, kind, this.text(variable, example), example);
  }

  /** A TCP port; 0 lets the system choose. @throws EnvironmentError */
  port(variable: string): number {
    const port = Number(this.text(variable, '3000'));
    if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
    throw new EnvironmentError(this.#service, variable, 'is not a port', '3000');
  }

  /** Named URLs: `s1=postgres://…,s2=postgres://…`. @throws EnvironmentError */
  namedUrls(variable: string, kind: UrlKind, example: string): { id: string; url: string }[] {
    return this.text(variable, example)
      .split(',')
      .map((entry) => {
        const [, id, url] = /^\s*([\w-]+)=(.+?)\s*$/.exec(entry) ?? [];
        if (!id || !url)
          throw new EnvironmentError(this.#service, variable, 'is not a list of id=url', example);
        return { id, url: this.#checked(variable, kind, url, example) };
      });
  }

  #checked(variable: string, kind: UrlKind, value: string, example: string): string {
    if (
      URL.canParse(value) &&
      (SCHEMES[kind] as readonly string[]).includes(new URL(value).protocol)
    )
      return value;
    throw new EnvironmentError(this.#service, variable, `is not a ${kind} URL`, example);
  }
}
