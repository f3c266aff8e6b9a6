/** A broken copy of the compiled library, beside the real one, for processes that ask for it. */
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { LibraryEdit } from './torture.js';

/** Made by `LibraryMutant.create`; removed when disposed. */
export class LibraryMutant implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    /** What to import instead of `nestjs-distributed`. */
    readonly module: string,
  ) {}

  /**
   * Copies the library and applies `edits`.
   * @throws Error when an edit does not match: the mutation is out of date
   */
  static async create(edits: readonly LibraryEdit[]): Promise<LibraryMutant> {
    const original = dirname(dirname(fileURLToPath(import.meta.resolve('nestjs-distributed'))));
    // Inside the workspace, so that the copy finds the packages the original finds.
    const parent = join(dirname(dirname(original)), '.cache', 'torture');
    await mkdir(parent, { recursive: true });
    const directory = await mkdtemp(join(parent, 'mutant-'));
    const mutant = new LibraryMutant(
      directory,
      pathToFileURL(join(directory, 'dist', 'index.js')).href,
    );
    try {
      await cp(join(original, 'dist'), join(directory, 'dist'), { recursive: true });
      await cp(join(original, 'package.json'), join(directory, 'package.json'));
      await symlink(join(original, 'node_modules'), join(directory, 'node_modules'), 'dir');
      for (const edit of edits) await apply(edit, join(directory, 'dist', edit.where));
      return mutant;
    } catch (error) {
      await mutant[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function apply({ find, replace }: LibraryEdit, where: string): Promise<void> {
  let applied = 0;
  const inFolder = async (): Promise<string[]> =>
    (await readdir(where, { recursive: true })).map((name) => join(where, name));
  for (const file of (await stat(where)).isFile() ? [where] : await inFolder()) {
    if (!/\.(js|lua)$/.test(file)) continue;
    const text = await readFile(file, 'utf8');
    const mutated = text.replace(find, replace);
    if (mutated === text) continue;
    await writeFile(file, mutated);
    applied++;
  }
  if (applied === 0) throw new Error(`the mutation is out of date: no ${find} in ${where}`);
}
