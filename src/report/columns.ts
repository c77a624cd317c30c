import Table from 'cli-table3';
import { escapeText } from './escape.ts';

/** For cli-table3: columns apart by blanks alone, as kubectl prints them. */
export const NO_BORDERS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((part) => [part, '']),
);

/** Rows in columns that are as wide as they need; text from the cluster is escaped. `none` stands for no rows. */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
  { headers = true }: { headers?: boolean } = {},
): string {
  if (rows.length === 0) return `${none}\n`;
  const table = new Table({
    head: headers ? [...head] : [],
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  for (const row of rows) table.push(row.map(escapeText));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
