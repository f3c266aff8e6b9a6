/** The messages of the invalidation bus as text: a JSON array that starts with its kind. */

interface Numbered {
  /** One process's life: drawn at its start. */
  readonly node: string;
  /** Number of the node's last message that was no heartbeat, this one included. */
  readonly sequence: number;
}

/** Forget one key, or the whole cache; `soft`: what lives in memory alone may be served stale. */
export interface ForgetMessage extends Numbered {
  readonly kind: 'forget';
  readonly cache: string;
  readonly key: string | undefined;
  readonly mode: 'hard' | 'soft';
}

/** Everything that carries the tag is to be asked for again. */
export interface TagMessage extends Numbered {
  readonly kind: 'tag';
  readonly tag: string;
}

/** I am here, and so many messages came before; `sentAt` is on the sender's own clock. */
export interface HeartbeatMessage extends Numbered {
  readonly kind: 'heartbeat';
  readonly sentAt: number;
}

export type BusMessage = ForgetMessage | TagMessage | HeartbeatMessage;

export function formatMessage(message: BusMessage): string {
  return JSON.stringify(fieldsOf(message));
}

function fieldsOf(message: BusMessage): readonly unknown[] {
  const { node, sequence } = message;
  switch (message.kind) {
    case 'heartbeat':
      return ['H', node, sequence, message.sentAt];
    case 'tag':
      return ['T', node, sequence, message.tag];
    case 'forget': {
      const fields = ['F', node, sequence, message.cache, message.key ?? null];
      return message.mode === 'soft' ? [...fields, 'soft'] : fields;
    }
  }
}

/** Undefined for what this release does not understand. */
export function parseMessage(text: string): BusMessage | undefined {
  const fields = parseArray(text);
  const [kind, node, sequence, fourth, key, mode] = fields;
  if (typeof node !== 'string' || typeof sequence !== 'number') return undefined;
  if (kind === 'H' && typeof fourth === 'number')
    return { kind: 'heartbeat', node, sequence, sentAt: fourth };
  if (kind === 'T' && typeof fourth === 'string')
    return { kind: 'tag', node, sequence, tag: fourth };
  if (kind === 'F' && typeof fourth === 'string' && (key === null || typeof key === 'string')) {
    const rest = { cache: fourth, key: key ?? undefined, mode: mode === 'soft' ? mode : 'hard' };
    return { kind: 'forget', node, sequence, ...rest } as ForgetMessage;
  }
  return undefined;
}

function parseArray(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
