/** The same facts as a file, for machines. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { objections, type ScenarioResult } from './verdict.js';

/** What the file holds. */
export interface Report {
  /** True when `objections` is empty. */
  readonly ok: boolean;
  /** Why the run is not a success. */
  readonly objections: readonly string[];
  readonly startedAt: string;
  readonly durationMs: number;
  readonly scenarios: readonly {
    readonly name: string;
    readonly pitfall: string;
    readonly definition: string;
    readonly without: Readonly<Record<string, number>>;
    readonly with: Readonly<Record<string, number>>;
    readonly violations: { readonly without: number; readonly with: number };
  }[];
}

/** Writes the report. */
@Injectable()
export class JsonReporter {
  /** Writes `file`, relative to the current folder; makes the folders it needs. */
  async write(file: string, results: readonly ScenarioResult[], startedAt: Date): Promise<void> {
    const path = resolve(file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(report(results, startedAt), undefined, 2)}\n`);
  }
}

/** The facts of a run. */
export function report(results: readonly ScenarioResult[], startedAt: Date): Report {
  const reasons = objections(results);
  return {
    ok: reasons.length === 0,
    objections: reasons,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    scenarios: results.map((result) => ({
      name: result.name,
      pitfall: result.pitfall,
      definition: result.definition,
      without: result.without.counts,
      with: result.with.counts,
      violations: { without: result.without.violations, with: result.with.violations },
    })),
  };
}
