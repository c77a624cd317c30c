import type { Report } from './document.ts';
import type { ReportList } from './list.ts';
import type { Style } from './style.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;
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
  return document(list, format);
}

/** A report in one of the formats, ending with a newline. */
export async function render(report: Report, format: Format, style: Style, showCommands: boolean): Promise<string> {
  if (format !== 'table' && format !== 'wide') return document(report, format);
  const { tableOf } = await import('./table.ts');
  return tableOf(report, style, { wide: format === 'wide', showCommands });
}

async function document(value: Report | ReportList, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { dump } = await import('js-yaml');
  return dump(value, { lineWidth: -1, noRefs: true });
}
