import { dataText } from './data.ts';
import type { Report } from './document.ts';
import type { ReportList } from './list.ts';
import type { Style } from './style.ts';

export const FORMATS = ['table', 'wide', 'short', 'name', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** The reports of several topics, as one document. */
export async function renderList(
  list: ReportList,
  format: Format,
  style: Style,
  showCommands: boolean,
): Promise<string> {
  if (format === 'table' || format === 'wide') {
    const { summaryOf } = await import('./summary.ts');
    const { tableOf } = await import('./table.ts');
    const wide = format === 'wide';
    const details = wide ? list.items.map((report) => tableOf(report, style, { wide, showCommands: false })) : [];
    return [...details, summaryOf(list, style, showCommands)].join('\n');
  }
  if (format === 'short') return (await import('./short.ts')).shortListOf(list, style);
  if (format === 'name') {
    const { namesOf } = await import('./short.ts');
    return linesOf(list.items.flatMap((report) => namesOf(report).map((name) => `${report.topic}/${name}`)));
  }
  return dataText(list, format);
}

const linesOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** A report in one of the formats, ending with a newline. */
export async function render(report: Report, format: Format, style: Style, showCommands: boolean): Promise<string> {
  if (format === 'short') return (await import('./short.ts')).shortOf(report, style);
  if (format === 'name') return linesOf((await import('./short.ts')).namesOf(report));
  if (format !== 'table' && format !== 'wide') return dataText(report, format);
  const { tableOf } = await import('./table.ts');
  return tableOf(report, style, { wide: format === 'wide', showCommands });
}
