import type { Report } from './report.ts';
import type { Style } from './style.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** A report in one of the formats, ending with a newline. */
export async function render(report: Report, format: Format, style: Style, showCommands: boolean): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'yaml': {
      const { dump } = await import('js-yaml');
      return dump(report, { lineWidth: -1, noRefs: true });
    }
    case 'table':
    case 'wide': {
      const { tableOf } = await import('./table.ts');
      return tableOf(report, style, { wide: format === 'wide', showCommands });
    }
  }
}
