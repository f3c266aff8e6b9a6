/** The figures as a table for people: ours beside each peer's, targets first. */
import { figureAt, type Figures, namesOf } from './figures.js';
import { boundOf, type Target, verdictOf } from './targets.js';

/** What the table shows. */
export interface TableContent {
  readonly metrics: Figures;
  readonly peers: Readonly<Record<string, Figures>>;
  readonly targets: readonly Target[];
}

const LEFT_COLUMNS = 1;

/** The table as text. */
export function tableOf({ metrics, peers, targets }: TableContent): string {
  const headings = ['metric', 'target', '', 'ours', ...Object.keys(peers)];
  const figures = [metrics, ...Object.values(peers)];
  const row = (metric: string, target?: Target): string[] => [
    metric,
    target ? boundOf(target) : '',
    target ? verdictOf(target, metrics) : '',
    ...figures.map((tree) => String(figureAt(tree, metric) ?? '')),
  ];
  const judged = new Set(targets.map(({ metric }) => metric));
  const others = new Set(figures.flatMap((tree) => namesOf(tree)));
  return lined([
    headings,
    ...targets.map((target) => row(target.metric, target)),
    headings.map(() => ''),
    ...[...others].filter((metric) => !judged.has(metric)).map((metric) => row(metric)),
  ]);
}

function lined(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number): string =>
    column < LEFT_COLUMNS
      ? cell.padEnd(widths?.[column] ?? 0)
      : cell.padStart(widths?.[column] ?? 0);
  return rows.map((cells) => `  ${cells.map(pad).join('  ')}`.trimEnd()).join('\n');
}
