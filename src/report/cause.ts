import type { Loss } from '../diagnosis/check.ts';
import type { Change } from '../diagnosis/history.ts';
import type { CheckReport, StepReport } from './document.ts';
import { momentWords, painted, type Style, wrapped } from './style.ts';

/** A loss in words. Several checks of a step may fail for one reason, each with a cure of its own. */
function causeOf(loss: Loss, steps: readonly StepReport[], style: Style, wide = false): string {
  const step = steps.find(({ id }) => id === loss.step);
  const checks = (step?.checks ?? []).filter(
    ({ status, causedBy, reason }) => status === 'fail' && causedBy === null && reason === loss.reason,
  );
  const [first] = checks;
  if (!step || !first) return '';
  const messages = checks.map(({ message }) => message).join('; ');
  const cause = `${loss.reason}: ${messages}. ${first.meaning ?? ''}`.trimEnd();
  return [
    `${painted(style, 'red', 'CAUSE')}  ${wrapped(cause, style.width - 7, '       ')}`,
    ...(loss.since || (wide && loss.undated !== null)
      ? [`${painted(style, 'bold', 'SINCE')}  ${wrapped(sinceWords(loss, wide), style.width - 7, '       ')}`]
      : []),
    ...changesOf(loss, style, wide),
    ...hintsOf(checks, style),
    `DOCS   ${step.docs}`,
  ].join('\n');
}

/** Losses in words; of a step that is left out nothing is said. */
export const causesOf = (
  losses: readonly Loss[],
  steps: readonly StepReport[],
  style: Style,
  wide = false,
): readonly string[] => losses.map((loss) => causeOf(loss, steps, style, wide)).filter((words) => words !== '');

/** What heals, and where to look: the first may stand alone. */
function hintsOf(checks: readonly CheckReport[], style: Style): readonly string[] {
  return (['fix', 'look'] as const).flatMap((kind) => {
    const hints = new Set(checks.flatMap(({ hint, hintKind }) => (hintKind === kind ? (hint ?? []) : [])));
    const word = painted(style, 'bold', kind.toUpperCase().padEnd(4));
    return hints.size > 0 ? [`${word}   ${[...hints].join('\n       ')}`] : [];
  });
}

/** Changes that a table shows: all of them in `wide`. */
const MOST_CHANGES = 3;

/** What was changed around the time, a line each. */
function changesOf({ changes, unchanged }: Loss, style: Style, wide: boolean): readonly string[] {
  const told = wide ? changes : changes.slice(0, MOST_CHANGES);
  const more = changes.length - told.length;
  const lines = [
    ...told.map(changeWords),
    ...(more > 0 ? [`and ${more} more: -o wide`] : []),
    ...(wide && unchanged !== null ? [unchanged] : []),
  ];
  if (lines.length === 0) return [];
  // The words of the other parts are shorter.
  const indent = '         ';
  return [
    `${painted(style, 'bold', 'CHANGED')}  ${lines.map((line) => wrapped(line, style.width - indent.length, indent)).join(`\n${indent}`)}`,
  ];
}

const DID: Readonly<Record<Change['operation'], string>> = {
  Create: 'created',
  Update: 'updated',
  Apply: 'applied',
  Start: 'started',
  Restart: 'restarted',
  Rollout: 'rolled out',
  Event: 'had an Event',
};

/** `40 s before: Telemetry istio-system/mesh-default updated by kubectl-edit (spec.metrics)`. */
function changeWords({ secondsBefore, kind, namespace, name, manager, operation, fields, others }: Change): string {
  const when = `${lengthOf(Math.abs(secondsBefore))} ${secondsBefore < 0 ? 'after' : 'before'}`;
  const by = manager === null ? '' : ` by ${manager}`;
  const what = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  const more = others === 0 ? '' : `, and ${others} more with it`;
  return `${when}: ${kind} ${namespace === null ? '' : `${namespace}/`}${name} ${DID[operation]}${by}${what}${more}`;
}

/** `2026-11-26 14:02:11 UTC, 4 h ago (last sample 15 s before)`. */
function sinceWords({ since, undated }: Loss, wide: boolean): string {
  if (since === null) return `not known: ${undated}`;
  const before = (Date.parse(since.at) - Date.parse(since.notBefore)) / 1000;
  const when = `${momentWords(since.at)}, ${lengthOf(since.secondsAgo)} ago (last sample ${lengthOf(before)} before)`;
  if (!wide) return when;
  const each = since.subjects.map(
    ({ kind, namespace, name, at }) => `${kind} ${namespace}/${name}: ${momentWords(at)}`,
  );
  return [when, since.series, ...each].join('; ');
}

/** A length of time in its largest unit: `45 s`, `12 min`, `4 h`, `3 days`. */
function lengthOf(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3600, 'h'],
    [60, 'min'],
  ] as const;
  const [size, unit] = units.find(([each]) => seconds >= 2 * each) ?? [1, 's'];
  return `${Math.round(seconds / size)} ${unit}`;
}
