import type { Status } from '../diagnosis/finding.ts';
import { some } from '../diagnosis/verdict.ts';
import { causesOf } from './cause.ts';
import { countsOf, differencesOf } from './differences.ts';
import type { Report } from './document.ts';
import type { ReportList } from './list.ts';
import { plansText } from './plan.ts';
import { NOTHING } from './report.ts';
import { painted, plain, type Style, wrapped } from './style.ts';
import { commandsOf, endOf, headOf, rightsOf, rowsTable } from './table.ts';

/** What a topic's verdict is as a status; a warning of a healthy mesh shows. */
function statusOf({ verdict, summary }: Report): Status {
  if (verdict === 'broken' || verdict === 'error') return 'fail';
  if (verdict === 'inconclusive' || verdict === 'unreachable') return 'unknown';
  if (verdict === 'not-applicable') return 'skip';
  return summary.warn > 0 ? 'warn' : summary.ignored > 0 ? 'ignored' : 'pass';
}

const isWhyNot = (warning: string): boolean => warning.startsWith(NOTHING);

/** What kubelets and container runtimes say at length, in short: `wide` has their own words. */
const RAW: readonly (readonly [RegExp, string])[] = [
  [/error forwarding port (\d+) to pod\b.*: ([^:]+)$/, 'port $1: $2'],
  [/Internal error occurred: error executing command in container: .*$/, 'nothing could be run in the container'],
];

const spoken = (message: string): string => RAW.reduce((text, [raw, short]) => text.replace(raw, short), message);

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
  return first ? `${spoken(first.message)}${more}` : report.verdict;
}

/** What could not be looked at, topic by topic: no other is well because of it. */
function unlookedIn(items: readonly Report[], style: Style): readonly string[] {
  const lines = items.flatMap(({ topic, verdict, steps }) => {
    if (verdict !== 'inconclusive') return [];
    const unknown = steps.filter(({ status, causedBy }) => status === 'unknown' && causedBy === null);
    const what = some(
      unknown.map(({ id }) => id),
      5,
    );
    return [
      `  ${wrapped(`${topic}: ${what === '' ? 'whether there is anything to judge' : what}`, style.width - 2, '    ')}`,
    ];
  });
  if (lines.length === 0) return [];
  return [[painted(style, 'bold', 'NOT LOOKED AT'), ...lines, '  why:  kubectl istio-diag TOPIC -o wide'].join('\n')];
}

/** One line for each topic, then every cause with its cure: at most `style.width` columns, but for what is to be pasted. */
export function summaryOf({ items, exitCode }: ReportList, style: Style, showCommands: boolean): string {
  const [first] = items;
  if (!first) return '';
  const isReached = items.some(({ verdict }) => verdict !== 'unreachable');
  const rows = items.map((report) => ({ id: report.topic, status: statusOf(report), message: messageOf(report) }));
  const causes = items.flatMap((report) =>
    causesOf(report.losses, report.steps, style).map((words) => `${painted(style, 'bold', report.topic)}\n${words}`),
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
  const unlooked = unlookedIn(items, style);
  const counted = (['broken', 'inconclusive', 'unreachable', 'healthy', 'not-applicable'] as const)
    .map((verdict) => [items.filter((report) => report.verdict === verdict).length, verdict] as const)
    .filter(([number]) => number > 0)
    .map(([number, verdict]) => `${number} ${verdict.replace('-', ' ')}`);
  const end = endOf({ run: first.run, exitCode });
  const compared = items.flatMap(({ baseline }) => baseline ?? []);
  const against = countsOf(...compared);
  const differences = items.flatMap(({ topic, baseline }) => {
    const lines = baseline ? differencesOf(baseline, style, false) : [];
    return lines.length > 0 ? [`${painted(style, 'bold', `BASELINE  ${topic}`)}\n${lines.join('\n')}`] : [];
  });
  const said = `${items.length} topics: ${counted.join(', ')}.${against === '' ? '' : ` Against the baseline: ${against}.`}`;
  const isLong = `ALL  ${said}   ${end}`.length > style.width;
  const foot = `${painted(style, 'bold', 'ALL')}  ${isLong ? wrapped(`${said} ${end}`, style.width - 5, '     ') : `${said}   ${end}`}`;
  const parts = [
    headOf(first, style),
    isReached ? rowsTable('TOPIC', rows, style) : 'The cluster could not be asked: no topic was looked at.',
    ...causes,
    ...warnings,
    ...differences,
    plansText(
      items.flatMap(({ plan }) => plan ?? []),
      style,
    ),
    rights,
    ...unlooked,
    commands,
    foot,
  ];
  return plain(style, `${parts.filter((part) => part !== '').join('\n\n')}\n`);
}
