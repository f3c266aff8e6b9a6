/** The final table: pitfall, what is counted, violations without and with decorators. */
import { Injectable } from '@nestjs/common';
import { objections, type ScenarioResult } from './verdict.js';

const HEADINGS = ['pitfall', 'what is counted', 'without', 'with'] as const;

/** Prints to standard output. */
@Injectable()
export class TableReporter {
  /** Prints the table, what happened in each run, and the verdict. */
  print(results: readonly ScenarioResult[]): void {
    console.log(`\n${table(results)}\n`);
    for (const result of results) {
      console.log(`  ${result.name}: ${result.pitfall}`);
      console.log(`    violations are ${result.definition}`);
      console.log(`    without  ${result.without.summary}`);
      console.log(`    with     ${result.with.summary}`);
    }
    const reasons = objections(results);
    console.log(
      reasons.length === 0
        ? '\n  Every protected run is clean.'
        : `\n  Not a success:\n${reasons.map((reason) => `    ${reason}`).join('\n')}`,
    );
  }
}

/** The table as text, figures aligned to the right. */
export function table(results: readonly ScenarioResult[]): string {
  const rows = results.map((result) => [
    result.name,
    result.counted,
    String(result.without.violations),
    String(result.with.violations),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')}`;
  const rule = line(widths.map((width) => '─'.repeat(width)));
  return [line(HEADINGS), rule, ...rows.map(line)].join('\n');
}
