import type { Status } from '../diagnosis/finding.ts';
import type { CheckReport, Report } from './document.ts';
import type { ReportList } from './list.ts';
import { plain, type Style } from './style.ts';
import { headOf, verdictWords } from './table.ts';

/** What is told in one line: no break in it, so that it stays one where it is pasted. */
const flat = (text: string): string => text.replace(/\s*\n\s*/g, '; ').replace(/ {2,}/g, '  ');

/** What is not well, the worst first. */
const UNWELL: readonly Status[] = ['fail', 'unknown', 'warn'];

/** Whether it is not well of its own: what follows from it is not told. */
const isOwn = ({ status, causedBy }: CheckReport): boolean => UNWELL.includes(status) && causedBy === null;

/** A loss, or what was not looked at, with what to type next: at most four lines. */
function causeLines({ steps, losses, unchecked, topic }: Report): readonly string[] {
  for (const status of UNWELL) {
    for (const step of steps) {
      const check = step.checks.find((each) => isOwn(each) && each.status === status);
      if (!check) continue;
      const more = losses.length > 1 && status === 'fail' ? `  (and ${losses.length - 1} more)` : '';
      const lacks = status === 'unknown' && unchecked.some(({ reason }) => reason === 'Forbidden');
      const hint = check.hint ?? (lacks ? `kubectl istio-diag rbac ${topic}` : null);
      const word = status === 'fail' ? 'CAUSE' : status.toUpperCase();
      return [
        `${word.padEnd(7)}  ${check.reason ?? step.id}: ${flat(check.message)}${more}`,
        ...(hint === null ? [] : [`${(check.hintKind ?? 'look').toUpperCase().padEnd(7)}  ${flat(hint)}`]),
        `DOCS     ${step.docs}`,
      ];
    }
  }
  // Where nothing could be walked, what was refused says why.
  const [refused] = unchecked;
  if (!refused) return [];
  const { reason, verb, resource, words } = refused;
  const what = reason === 'Forbidden' ? `not allowed: ${verb} ${resource}` : flat(words);
  return [
    `UNKNOWN  ${reason}: ${what}`,
    ...(reason === 'Forbidden' ? [`LOOK     kubectl istio-diag rbac ${topic}`] : []),
  ];
}

/** Context, verdict, cause, what to type, the document: at most six lines, to paste into a chat. */
export function shortOf(report: Report, style: Style): string {
  const wide = { ...style, width: Number.POSITIVE_INFINITY, colour: false };
  const loss = report.lostAt;
  const since = loss?.since ? [`SINCE    ${loss.since.at}`] : [];
  const lines = [
    flat(headOf(report, wide)),
    `${report.topic}: ${verdictWords(report)}`,
    ...since,
    ...causeLines(report),
  ];
  return plain(style, `${lines.slice(0, 6).join('\n')}\n`);
}

/** The same of several topics: their verdicts in a line, and the cause that decides. */
export function shortListOf({ items, exitCode }: ReportList, style: Style): string {
  const [first] = items;
  if (!first) return '';
  const deciding =
    items.find(({ verdict }) => verdict === 'broken') ?? items.find(({ verdict }) => verdict === 'inconclusive');
  const verdicts = items.map(({ topic, verdict }) => `${topic} ${verdict}`).join(', ');
  const [head = ''] = shortOf(first, style).split('\n');
  const lines = [head, `${verdicts}; exit ${exitCode}`, ...(deciding ? causeLines(deciding) : [])];
  return plain(style, `${lines.slice(0, 6).join('\n')}\n`);
}

/** What is not well, a line each, as `explain` and --ignore take it behind the slash: STEP/REASON. */
export const namesOf = ({ steps }: Report): readonly string[] => [
  ...new Set(
    steps.flatMap(({ id, checks }) => checks.filter(isOwn).map((check) => `${id}/${check.reason ?? check.id}`)),
  ),
];
