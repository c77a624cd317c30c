import type { Status } from '../diagnosis/finding.ts';
import { causeOf } from './cause.ts';
import { countsOf, differencesOf } from './differences.ts';
import type { Report } from './document.ts';
import type { ReportList } from './list.ts';
import { plansText } from './plan.ts';
import { NOTHING } from './report.ts';
import { painted, plain, type Style, wrapped } from './style.ts';
import { commandsOf, headOf, rightsOf, rowsTable } from './table.ts';

/** What a topic's verdict is as a status; a warning of a healthy mesh shows. */
function statusOf({ verdict, summary }: Report): Status {
  if (verdict === 'broken' || verdict === 'error') return 'fail';
  if (verdict === 'inconclusive' || verdict === 'unreachable') return 'unknown';
  if (verdict === 'not-applicable') return 'skip';
  return summary.warn > 0 ? 'warn' : summary.ignored > 0 ? 'ignored' : 'pass';
}

const isWhyNot = (warning: string): boolean => warning.startsWith(NOTHING);

/** What stands for a topic in one line: what decided its status. */
function messageOf(report: Report): string {
  if (report.verdict === 'not-applicable') {
    const why = report.warnings.find(isWhyNot)?.slice(NOTHING.length);
    return `not applicable${why === undefined ? '' : `: ${why}`}`;
  }
  const status = statusOf(report);
  const deciding = report.steps.filter((step) => step.status === status);
  const [first] = deciding.filter(({ causedBy }) => causedBy === null);
  if (status === 'pass') return `${report.summary.pass} of ${report.coverage.total} steps passed`;
  const more = deciding.length > 1 ? `  (and ${deciding.length - 1} more)` : '';
  return first ? `${first.message}${more}` : report.verdict;
}

/** One line for each topic, then every cause with its cure: at most `style.width` columns, but for what is to be pasted. */
export function summaryOf({ items, exitCode }: ReportList, style: Style, showCommands: boolean): string {
  const [first] = items;
  if (!first) return '';
  const rows = items.map((report) => ({ id: report.topic, status: statusOf(report), message: messageOf(report) }));
  const causes = items.flatMap((report) =>
    report.losses.map((loss) => `${painted(style, 'bold', report.topic)}\n${causeOf(loss, report.steps, style)}`),
  );
  // Why a topic judged nothing stands in its line.
  const warnings = [...new Set(items.flatMap((report) => report.warnings.filter((each) => !isWhyNot(each))))].map(
    (warning) => `${painted(style, 'yellow', 'NOTE')}   ${wrapped(warning, style.width - 7, '       ')}`,
  );
  const rights = rightsOf(
    'all',
    items.flatMap(({ unchecked }) => unchecked),
    style,
  );
  const commands = showCommands
    ? commandsOf(
        items.flatMap(({ steps }) => steps),
        style,
      )
    : '';
  const unclear = items.filter(({ verdict }) => verdict === 'inconclusive').map(({ topic }) => topic);
  const next = unclear.length > 0 ? [`What was not looked at:  kubectl istio-diag ${unclear[0]} -o wide`] : [];
  const counted = (['broken', 'inconclusive', 'unreachable', 'healthy', 'not-applicable'] as const)
    .map((verdict) => [items.filter((report) => report.verdict === verdict).length, verdict] as const)
    .filter(([number]) => number > 0)
    .map(([number, verdict]) => `${number} ${verdict.replace('-', ' ')}`);
  const end = `${(first.run.durationMs / 1000).toFixed(1)} s, exit ${exitCode}`;
  const compared = items.flatMap(({ baseline }) => baseline ?? []);
  const against = countsOf(...compared);
  const differences = items.flatMap(({ topic, baseline }) => {
    const lines = baseline ? differencesOf(baseline, style, false) : [];
    return lines.length > 0 ? [`${painted(style, 'bold', `BASELINE  ${topic}`)}\n${lines.join('\n')}`] : [];
  });
  const foot = `${painted(style, 'bold', 'ALL')}  ${items.length} topics: ${counted.join(', ')}.${against === '' ? '' : ` Against the baseline: ${against}.`}   ${end}`;
  const parts = [
    headOf(first, style),
    rowsTable('TOPIC', rows, style),
    ...causes,
    ...warnings,
    ...differences,
    plansText(
      items.flatMap(({ plan }) => plan ?? []),
      style,
    ),
    rights,
    ...next,
    commands,
    foot,
  ];
  return plain(style, `${parts.filter((part) => part !== '').join('\n\n')}\n`);
}
