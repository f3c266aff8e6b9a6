/** The Lua side of Redlock: what one master is asked. */
import { defineScript } from '../redis/index.js';

const file = (name: string): URL => new URL(`./scripts/redlock-${name}.lua`, import.meta.url);
const prelude = file('value');
const yes = (reply: unknown): boolean => reply === 1;

/** What a master answers to an acquisition. */
export interface RedlockGrant {
  /** It voted for the claim. */
  readonly granted: boolean;
  /** The lock that was to be given back in the same step was there. */
  readonly freed: boolean;
}

/** Who has a master's vote. */
export interface RedlockHolder {
  readonly owner: string;
  readonly remainingMs: number;
}

/** All scripts. */
export const redlockScripts = {
  acquire: defineScript({
    url: file('acquire'),
    prelude,
    keys: 2,
    parse: (reply): RedlockGrant => {
      const [granted, freed] = reply as [number, number];
      return { granted: granted === 1, freed: freed === 1 };
    },
  }),
  renew: defineScript({ url: file('renew'), prelude, keys: 1, parse: yes }),
  release: defineScript({ url: file('release'), prelude, keys: 1, parse: yes }),
  query: defineScript({
    url: file('query'),
    prelude,
    keys: 1,
    parse: (reply): RedlockHolder | null => {
      if (!reply) return null;
      const [owner, remainingMs] = reply as [string, number];
      return { owner, remainingMs };
    },
  }),
};
