import Table from 'cli-table3';
import type { ControlPlane } from '../diagnosis/check.ts';
import { STATUSES, type Status } from '../diagnosis/finding.ts';
import { count } from '../diagnosis/verdict.ts';
import { causesOf } from './cause.ts';
import { NO_BORDERS } from './columns.ts';
import { countsOf, differencesOf, momentOf, NOTHING_FOUND } from './differences.ts';
import type { CheckReport, Report, StepReport } from './document.ts';
import { flowChain, flowPicture, isMeasured, isPlaced } from './flow.ts';
import { plansText } from './plan.ts';
import { isOf } from './report.ts';
import { painted, plain, STATUS_PAINT, type Style, statusWord, wrapped } from './style.ts';

const TELEMETRY = { mixer: 'telemetry by Mixer', 'telemetry-v2': 'telemetry v2', ambient: 'ambient' } as const;

/** Columns between two cells. */
const PADDING = 2;

/** The report for a person: at most `style.width` columns, except for what is there to be pasted. */
export function tableOf(report: Report, style: Style, options: { wide: boolean; showCommands: boolean }): string {
  const sections =
    report.mesh.controlPlanes.length > 0
      ? report.mesh.controlPlanes.map((plane) => sectionOf(report, style, plane, options.wide))
      : [];
  const parts = [
    headOf(report, style),
    ...(sections.length > 0 ? sections : [nothingFound(report, style)]),
    notesOf(report, style),
    baselineOf(report, style, options.wide),
    plansText(report.plan ?? [], style),
    rightsOf(report.topic, report.unchecked, style),
    ...(options.showCommands ? [commandsOf(report.steps, style)] : []),
    footOf(report, style),
  ];
  return plain(style, `${parts.filter((part) => part !== '').join('\n\n')}\n`);
}

export function headOf({ run, mesh, verdict }: Report, style: Style): string {
  const context = `Context  ${run.context ?? '<none>'}${run.source === 'bundle' ? ' (bundle)' : ''}`;
  const [plane] = mesh.controlPlanes;
  const more = mesh.controlPlanes.length > 1 ? ` and ${mesh.controlPlanes.length - 1} more` : '';
  // Only a search that ran in full can find none.
  const found = plane ? `${nameOf(plane)}${more}` : verdict === 'not-applicable' ? 'none found' : 'unknown';
  const parts = [context, `Mesh  ${found}${sharesOf(mesh)}`, 'read-only'];
  const gap = ['        ', '    ', '  '].find((blank) => parts.join(blank).length <= style.width) ?? '\n';
  const asked = scopeWords(run.scope);
  const lines = [parts.join(gap), ...(asked.length > 0 ? [asked.join('    ')] : [])];
  return painted(style, 'bold', lines.join('\n'));
}

/** `, 12 pods with sidecars and 30 in ambient`: where both carry some. */
const sharesOf = ({ pods }: Report['mesh']): string =>
  pods !== null && pods.sidecars > 0 && pods.ambient > 0
    ? `, ${count(pods.sidecars, 'pod')} with ${pods.sidecars === 1 ? 'a sidecar' : 'sidecars'} and ${pods.ambient} in ambient`
    : '';

/** What was asked for, where it was not all. */
function scopeWords({ workload, namespace, selector }: Report['run']['scope']): readonly string[] {
  if (workload) return [`Only     ${workload.kind}/${workload.name} in ${workload.namespace}`];
  return [
    ...(namespace === null ? [] : [`Only     namespace ${namespace}`]),
    ...(selector === null ? [] : [`${namespace === null ? 'Only     ' : ''}pods with the labels ${selector}`]),
  ];
}

const nameOf = ({ version, namespace, revision, generation }: ControlPlane): string =>
  `Istio ${version ?? '(release unknown)'} in ${namespace ?? 'another cluster'}${revision ? `, revision ${revision}` : ''}, ${TELEMETRY[generation]}`;

function sectionOf(report: Report, style: Style, plane: ControlPlane, wide: boolean): string {
  const steps = report.steps.filter(isOf(plane));
  const flow = report.flow.filter(isOf(plane));
  const losses = report.losses.filter(isOf(plane));
  const several = report.mesh.controlPlanes.length > 1;
  // A generation without proxies of its own beside another that has some.
  if (several && !wide && steps.length > 0 && steps.every(({ status }) => status === 'skip'))
    return `${painted(style, 'bold', nameOf(plane))}\n${wrapped(nothingOf(steps), style.width, '')}`;
  const drawn = flow.length > 0 && steps.length > 0;
  const [lost] = losses;
  const lostHere = lost && isPlaced(flow, lost);
  return [
    ...(several ? [painted(style, 'bold', nameOf(plane))] : []),
    ...(steps.length > 0 ? [stepsTable(steps, style)] : []),
    ...(wide && steps.length > 0 ? [detailsOf(steps, style)] : []),
    ...(drawn && lostHere && isMeasured(flow)
      ? [
          `${painted(style, 'bold', `WHERE THE METRICS ${lost.effect === 'wrong' ? 'GO WRONG' : 'ARE LOST'}`)}\n${flowPicture(style, flow, lost)}`,
        ]
      : []),
    ...(drawn && !lostHere ? [`FLOW  ${flowChain(flow, style.width, '      ')}`] : []),
    ...causesOf(losses, steps, style, wide),
  ].join('\n\n');
}

/** `8 steps skipped: no pod has a proxy; no proxy to be judged`. */
const nothingOf = (steps: readonly StepReport[]): string =>
  `${steps.length} ${steps.length === 1 ? 'step' : 'steps'} skipped: ${[...new Set(steps.map(({ message }) => message))].join('; ')}`;

const stepsTable = (steps: readonly StepReport[], style: Style): string =>
  rowsTable(
    'STEP',
    steps.map(({ id, status, message, causedBy }) => ({
      id,
      status,
      message: `${message}${causedBy ? `  (from ${causedBy})` : ''}`,
    })),
    style,
  );

/** Names, their statuses and what was seen: a line each, continued below a blank. */
export function rowsTable(
  head: string,
  rows: readonly { id: string; status: Status; message: string }[],
  style: Style,
): string {
  const idWidth = Math.max(4, ...rows.map(({ id }) => id.length)) + 2;
  const statusWidth =
    Math.max(6, ...rows.map(({ status }) => statusWord({ ...style, colour: false }, status).length)) + 2;
  const table = new Table({
    head: style.headers === false ? [] : [head, 'STATUS', 'WHAT WAS SEEN'],
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': PADDING, compact: true },
    colWidths: [idWidth, statusWidth, Math.max(30, style.width - idWidth - statusWidth + PADDING)],
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  for (const { id, status, message } of rows) table.push([id, statusWord(style, status), message]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Each check with what it saw, and what a person would type to see it. */
function detailsOf(steps: readonly StepReport[], style: Style): string {
  const shown = new Set<string>();
  /** A command answers several checks: it stands with the first. */
  const isNew = (command: string): boolean => !shown.has(command) && shown.add(command) !== undefined;
  const detail = (check: CheckReport): string =>
    [
      `    ${statusWord(style, check.status)}  ${check.id}: ${check.message}${check.reason ? ` [${check.reason}]` : ''}`,
      ...check.evidence.map((line) => `        | ${line}`),
      ...(check.status === 'skip'
        ? []
        : check.commands.filter(isNew).map((command) => painted(style, 'cyan', `        $ ${command}`))),
      ...(check.hint ? [painted(style, 'bold', `        > ${check.hint}`)] : []),
    ].join('\n');
  return steps
    .map(({ id, title, docs, checks }) =>
      [`  ${painted(style, 'bold', id)}  ${title}`, `    ${docs}`, ...checks.map(detail)].join('\n'),
    )
    .join('\n\n');
}

/** Warnings and the hints of what is unknown, each once; and what the run itself has to say. */
function notesOf(report: Report, style: Style): string {
  const notes = report.steps.flatMap(({ id, checks }) =>
    checks
      .filter(({ status, hint }) => status === 'warn' || (status === 'unknown' && hint !== null))
      // Said as a cause already.
      .filter(({ reason }) => !report.losses.some((loss) => loss.step === id && loss.reason === reason))
      .map(({ status, message, reason, hint }) => {
        const word = painted(style, STATUS_PAINT[status], status === 'warn' ? 'WARN' : 'NEXT');
        const text = wrapped(`${reason} (${id}): ${message}`, style.width - 7, '       ');
        return `${word}   ${text}${hint ? `\n       ${hint}` : ''}`;
      }),
  );
  const ignored = report.steps.flatMap(({ id, checks }) =>
    checks
      .filter(({ status, causedBy }) => status === 'ignored' && causedBy === null)
      .map(({ message, reason, ignoredBy }) =>
        wrapped(`IGNORED  ${reason} (${id}): ${message}  (--ignore ${ignoredBy})`, style.width, '         '),
      ),
  );
  const own = report.warnings.map(
    (warning) => `${painted(style, 'yellow', 'NOTE')}   ${wrapped(warning, style.width - 7, '       ')}`,
  );
  return [...notes, ...ignored, ...own].join('\n');
}

/** What differs from the baseline: those that are known in `wide`. */
function baselineOf({ baseline }: Report, style: Style, wide: boolean): string {
  if (baseline === null) return '';
  const lines = differencesOf(baseline, style, wide);
  const head = `BASELINE  ${momentOf(baseline)}: ${countsOf(baseline) || NOTHING_FOUND}`;
  return [painted(style, 'bold', head), ...lines].join('\n');
}

/** What could not be looked at, by the right that was missing. */
export function rightsOf(topic: string, unchecked: Report['unchecked'], style: Style): string {
  const rights = new Map<string, { line: string; steps: Set<string>; tried: readonly string[] }>();
  for (const { step, reason, verb, resource, namespace, triedInstead } of unchecked) {
    if (reason !== 'Forbidden') continue;
    const line = `${verb} ${resource} ${namespace === null ? 'in all namespaces' : `in ${namespace}`}`;
    const known = rights.get(line) ?? { line, steps: new Set(), tried: triedInstead };
    known.steps.add(step);
    rights.set(line, known);
  }
  if (rights.size === 0) return '';
  const lines = [...rights.values()].map(({ line, steps, tried }) => {
    const instead = tried.length > 0 ? `; tried instead: ${tried.join('; ')}` : '';
    return `  ${wrapped(`${line}, needed by ${[...steps].join(', ')}${instead}`, style.width - 2, '    ')}`;
  });
  return [
    painted(style, 'bold', `RIGHTS YOU LACK (${rights.size})`),
    ...lines,
    `  ask for them:  kubectl istio-diag rbac ${topic}`,
  ].join('\n');
}

function nothingFound(report: Report, style: Style): string {
  const wanted =
    report.verdict === 'unreachable'
      ? 'The cluster could not be asked.'
      : report.verdict === 'not-applicable'
        ? 'No control plane, sidecar or ztunnel of Istio was found.'
        : 'Whether there is an Istio is not known: no control plane, sidecar or ztunnel was found where it could be looked for.';
  const refused = report.unchecked.map(
    ({ command, words }) => `  ${wrapped(`${command}: ${words}`, style.width - 2, '    ')}`,
  );
  const next =
    report.verdict === 'not-applicable'
      ? [
          `Wrong cluster?    kubectl config get-contexts          then add  --context NAME`,
          `Other namespace?  kubectl istio-diag ${report.topic} --istio-namespace NAME`,
        ]
      : [];
  return [wanted, ...refused, ...next].join('\n');
}

export function commandsOf(steps: readonly StepReport[], style: Style): string {
  const commands = new Set(steps.flatMap(({ checks }) => checks.flatMap(({ commands }) => commands)));
  return [painted(style, 'bold', 'COMMANDS'), ...[...commands].sort().map((command) => `  ${command}`)].join('\n');
}

const VERDICT_PAINT = {
  healthy: 'green',
  broken: 'red',
  error: 'red',
  inconclusive: 'magenta',
  'not-applicable': 'yellow',
  unreachable: 'red',
} as const;

/** How long a run took, and its exit code. */
export const endOf = ({ run, exitCode }: Pick<Report, 'run' | 'exitCode'>): string =>
  `${(run.durationMs / 1000).toFixed(1)} s, exit ${exitCode}`;

/** How many steps came to what. */
function countWords({ summary }: Report): string {
  const counts = [
    [summary.pass, 'passed'],
    [summary.warn, 'warned'],
    [
      summary.fail,
      `failed${summary.causes > 0 ? ` from ${summary.causes} ${summary.causes === 1 ? 'cause' : 'causes'}` : ''}`,
    ],
    [summary.unknown, 'unknown'],
    [summary.skip, 'skipped'],
    [summary.ignored, 'ignored'],
  ] as const;
  const said = counts.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : [])).join(', ');
  // Of all of them: the table may leave some out.
  const all = STATUSES.reduce((sum, status) => sum + summary[status], 0);
  return all > 0 ? `${count(all, 'step')}: ${said}.` : '';
}

/** Where it is lost, and what else there is to say of a verdict. */
function moreWords({ verdict, lostAt, baseline, run }: Report): string {
  return [
    ...(lostAt ? [lostAt.hop ? `Lost at ${lostAt.hop}.` : `Broken at ${lostAt.step}.`] : []),
    ...(baseline !== null && countsOf(baseline) !== '' ? [`Against the baseline: ${countsOf(baseline)}.`] : []),
    ...(verdict === 'inconclusive' ? ['Not a clean bill of health.'] : []),
    ...(run.interrupted ? ['Interrupted: what was not looked at yet is unknown.'] : []),
  ].join(' ');
}

/** A verdict in one line. */
export const verdictWords = (report: Report): string =>
  `${[report.verdict.toUpperCase(), countWords(report), moreWords(report)].filter((each) => each !== '').join('  ')}   ${endOf(report)}`;

function footOf(report: Report, style: Style): string {
  const { verdict } = report;
  const [what, more] = [countWords(report), moreWords(report)];
  const end = endOf(report);
  const word = verdict.toUpperCase();
  const indent = ' '.repeat(word.length + 2);
  const line = `${word}  ${[what, more].filter((each) => each !== '').join(' ')}   ${end}`;
  const first = `${word}  ${what}   ${end}`;
  const lines =
    line.length <= style.width
      ? line
      : first.length <= style.width
        ? `${first}\n${indent}${wrapped(more, style.width - indent.length, indent)}`
        : `${word}  ${wrapped([what, more, end].filter((each) => each !== '').join(' '), style.width - indent.length, indent)}`;
  return painted(style, VERDICT_PAINT[verdict], word) + lines.slice(word.length);
}
