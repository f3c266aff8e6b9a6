/** The messages of the invalidation bus as text: a JSON array that starts with its kind. */

interface Numbered {
  /** One process's life: drawn at its start. */
  readonly node: string;
  /** Number of the node's last `forget`, this one included. */
  readonly sequence: number;
}

/** Forget one key, or the whole cache. */
export interface ForgetMessage extends Numbered {
  readonly kind: 'forget';
  readonly cache: string;
  readonly key: string | undefined;
}

/** I am here, and so many messages came before; `sentAt` is on the sender's own clock. */
export interface HeartbeatMessage extends Numbered {
  readonly kind: 'heartbeat';
  readonly sentAt: number;
}

export type BusMessage = ForgetMessage | HeartbeatMessage;

export function formatMessage(message: BusMessage): string {
  const { node, sequence } = message;
  return JSON.stringify(
    message.kind === 'heartbeat'
      ? ['H', node, sequence, message.sentAt]
      : ['F', node, sequence, message.cache, message.key ?? null],
  );
}

/** Undefined for what this release does not understand. */
export function parseMessage(text: string): BusMessage | undefined {
  const fields = parseArray(text);
  const [kind, node, sequence, fourth, key] = fields;
  if (typeof node !== 'string' || typeof sequence !== 'number') return undefined;
  if (kind === 'H' && typeof fourth === 'number')
    return { kind: 'heartbeat', node, sequence, sentAt: fourth };
  if (kind === 'F' && typeof fourth === 'string' && (key === null || typeof key === 'string'))
    return { kind: 'forget', node, sequence, cache: fourth, key: key ?? undefined };
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
