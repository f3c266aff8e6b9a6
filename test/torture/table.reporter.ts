/** The table of a run. */
import type { TortureOutcome, TortureRoom } from './torture.js';

/** A run of one torture, or of one of its mutations. */
export interface TortureReport {
  readonly id: string;
  readonly fault: string;
  /** Name of the mutation. */
  readonly mutation?: string;
  readonly seconds: number;
  /** Absent when the library lacks what the torture needs. */
  readonly outcome?: TortureOutcome;
  readonly passed: boolean;
}

/** One line as it is known. */
export function printReport(report: TortureReport): void {
  const { outcome, passed } = report;
  const name = report.mutation
    ? `${report.id} broken: ${report.mutation}`
    : `${report.id} ${report.fault}`;
  const verdict = !outcome
    ? 'not available'
    : passed
      ? report.mutation
        ? 'caught'
        : 'ok'
      : 'FAILED';
  const lines = [`${verdict.padEnd(13)} ${name} (${report.seconds.toFixed(1)} s)`];
  const notes = Object.entries(outcome?.notes ?? {}).map(([what, value]) => `${what} ${value}`);
  if (notes.length > 0) lines.push(`                ${notes.join(', ')}`);
  for (const violation of outcome?.violations ?? []) {
    lines.push(`                ${report.mutation ? '·' : '✗'} ${violation.slice(0, 600)}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** All runs without mutation, side by side. */
export function table(
  reports: readonly TortureReport[],
  columns: TortureRoom<AsyncDisposable>['columns'],
): string {
  const rows = reports
    .filter(({ mutation, outcome }) => !mutation && outcome)
    .map(({ id, fault, outcome }) => [
      `${id} ${fault}`,
      ...columns.map(([name]) => figureOf(outcome, name)),
    ]);
  const headings = ['fault', ...columns.map(([, heading]) => heading)];
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join('  ');
  const rule = line(widths.map((width) => '─'.repeat(width)));
  return [line(headings), rule, ...rows.map(line)].join('\n');
}

/** Nothing for a run that broke before it had figures. */
function figureOf(outcome: TortureOutcome | undefined, name: string): string {
  const value: unknown = outcome && Object.entries(outcome).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? String(value) : '';
}
