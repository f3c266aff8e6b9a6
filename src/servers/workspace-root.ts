/** Where the workspace is, both for the compiled runner and for its TypeScript sources. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The directory that holds `nest-cli.json`, looked for from this file upwards.
 * @throws Error when this file was copied out of a workspace
 */
export function workspaceRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'nest-cli.json'))) return directory;
    if (directory === dirname(directory))
      throw new Error(`No nest-cli.json above ${start}; run from inside the workspace.`);
  }
}
