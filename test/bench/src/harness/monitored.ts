/** Commands that a server receives from anybody, whatever client library sends them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

const FENCE = 'bench-monitored-fence';

/**
 * Runs `work` under MONITOR and tells the commands that clients sent, without those of scripts. Slows
 * the server down: no time is true meanwhile. The client of ioredis cannot take over a connection on
 * which commands are shown already.
 */
export async function monitored(url: string, work: () => Promise<unknown>): Promise<string[][]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = createInterface({ input: socket });
  const seen: string[][] = [];
  const begun = once(lines, 'line');
  const fenced = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      const { source, words } = parsed(line);
      if (words[1] === FENCE) resolve();
      else if (words.length > 0 && source !== 'lua') seen.push(words);
    });
  });
  const control = new Redis(url);
  try {
    socket.write('MONITOR\r\n');
    await begun;
    await work();
    // MONITOR is a stream of its own: it has told everything once it tells this.
    await control.echo(FENCE);
    await fenced;
    return seen;
  } finally {
    control.disconnect();
    socket.destroy();
  }
}

/** `+1795450652.765003 [0 127.0.0.1:51992] "get" "key"`; words stay escaped. */
function parsed(line: string): { source: string; words: string[] } {
  const [, source = '', rest = ''] = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/s.exec(line) ?? [];
  const words = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
  return { source: source.split(':')[0] === 'lua' ? 'lua' : source, words };
}
