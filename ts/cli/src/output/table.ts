import { cut, widthOf } from './text.js';

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Default left. */
  readonly align?: 'left' | 'right';
  /** Colours a cell that has its final width. */
  readonly paint?: (cell: string, row: Row) => string;
  /** May be cut where the terminal is too narrow. */
  readonly cuttable?: boolean;
}

/** Columns between two columns. */
const GAP = 2;
/** What is left of a cuttable column at the least. */
const LEAST_WIDTH = 8;

/**
 * The lines of a table, titles first.
 *
 * @param width of the terminal; null where it is none, and nothing may be cut
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | null,
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[at] ?? ''))),
  );
  if (width !== null) narrow(columns, widths, width);
  const line = (texts: readonly string[], row: Row | null): string =>
    columns
      .map((column, at) => {
        const padded = pad(cut(texts[at] ?? '', widths[at] ?? 0), widths[at] ?? 0, column.align);
        return row === null ? padded : (column.paint?.(padded, row) ?? padded);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      null,
    ),
    ...rows.map((row, at) => line(cells[at] ?? [], row)),
  ];
}

/** Take from the widest cuttable column until the table fits, or nothing more can be taken. */
function narrow<Row>(columns: readonly Column<Row>[], widths: number[], width: number): void {
  for (;;) {
    const total = widths.reduce((sum, each) => sum + each + GAP, -GAP);
    const over = total - width;
    if (over <= 0) return;
    const candidates = [...widths.keys()].filter(
      (at) => columns[at]?.cuttable === true && (widths[at] ?? 0) > LEAST_WIDTH,
    );
    const widest = candidates.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) return;
    const second = candidates[1] === undefined ? LEAST_WIDTH : (widths[candidates[1]] ?? 0);
    const own = widths[widest] ?? 0;
    widths[widest] = Math.max(LEAST_WIDTH, Math.min(own - 1, Math.max(own - over, second)));
  }
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? `${space}${text}` : `${text}${space}`;
}
