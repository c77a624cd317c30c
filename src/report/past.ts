import type { Generation, Scope } from '../diagnosis/check.ts';
import type { Status } from '../diagnosis/finding.ts';
import type { Naming } from '../diagnosis/objects.ts';
import { VERDICTS, type VerdictWord } from './exit.ts';

/** What a comparison reads of a report: of this version, or of one before it. */
export interface Past {
  topic: string;
  verdict: VerdictWord;
  run: {
    startedAt: string;
    context: string | null;
    /** Absent in reports of versions that had no scope in them. */
    scope?: Pick<Scope, 'workload' | 'namespace' | 'selector'>;
  };
  steps: readonly {
    id: string;
    generation: Generation;
    checks: readonly (Naming & { id: string; status: Status; reason: string | null; causedBy: string | null })[];
  }[];
  /** What could not be asked, as far as it tells questions apart. */
  unchecked: readonly Question[];
}

/** A question without an answer. */
export interface Question {
  step: string;
  verb: string;
  resource: string;
  namespace: string | null;
}

/** The reports in the text of one, or of a list of them. Throws an Error that says what was wanted. */
export function pastsIn(text: string): readonly Past[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('neither a bundle nor a report in JSON (-o json)');
  }
  const { kind, apiVersion, items } = fieldsOf(value);
  const reports = kind === 'DiagnosisReportList' && Array.isArray(items) ? (items as unknown[]) : [value];
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith('istio-diag/') || !reports.every(isPast))
    throw new Error('no report of kubectl istio-diag’s (-o json)');
  const [broken] = reports.filter(({ verdict }) => verdict === 'error' || verdict === 'unreachable');
  if (broken) throw new Error(`the report of a run that came to no diagnosis (${broken.verdict})`);
  return reports;
}

/** Why two runs may not be comparable, in words: nothing where they are. */
export function unlike(old: Past, now: Past): readonly string[] {
  const other = [old.run.context, now.run.context];
  return [
    ...(other[0] === other[1] || other.includes(null)
      ? []
      : [`one is of the context ${other[0]}, the other of ${other[1]}: findings are compared by name`]),
    ...(isLike(now, old) ? [] : ['the older one looked at other workloads: that something is gone cannot be told']),
  ];
}

/** Whether two runs looked at the same workloads; of one that does not tell it is taken for granted. */
export const isLike = (now: Past, old: Past): boolean =>
  !now.run.scope || !old.run.scope || keyOf(now.run.scope) === keyOf(old.run.scope);

const keyOf = ({ workload, namespace, selector }: NonNullable<Past['run']['scope']>): string =>
  JSON.stringify([workload && [workload.kind, workload.namespace, workload.name], namespace, selector]);

const fieldsOf = (value: unknown): Record<string, unknown> => (value ?? {}) as Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === 'string';

const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

const isListOf = (value: unknown, isOne: (value: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isOne);

function isPast(value: unknown): value is Past {
  const { kind, topic, verdict, run, steps, unchecked } = fieldsOf(value);
  const { startedAt, context } = fieldsOf(run);
  return (
    kind === 'DiagnosisReport' &&
    [topic, startedAt].every(isText) &&
    VERDICTS.some((word) => word === verdict) &&
    isTextOrNull(context) &&
    isListOf(steps, isStep) &&
    isListOf(unchecked, isQuestion)
  );
}

function isStep(value: unknown): boolean {
  const { id, generation, checks } = fieldsOf(value);
  return isText(id) && isText(generation) && isListOf(checks, isCheck);
}

function isQuestion(value: unknown): boolean {
  const { step, verb, resource, namespace = null } = fieldsOf(value);
  return [step, verb, resource].every(isText) && isTextOrNull(namespace);
}

function isCheck(value: unknown): boolean {
  const { id, status, reason, causedBy, message, evidence, subjects = [] } = fieldsOf(value);
  return (
    [id, status, message].every(isText) &&
    [reason, causedBy].every(isTextOrNull) &&
    isListOf(evidence, isText) &&
    isListOf(subjects, (subject) => [fieldsOf(subject).namespace, fieldsOf(subject).name].every(isText))
  );
}
