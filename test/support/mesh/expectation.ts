import { isDeepStrictEqual } from 'node:util';
import type { Step } from '../../../src/diagnosis/check.ts';
import { type Status, worst } from '../../../src/diagnosis/finding.ts';
import { ambientWalk } from '../../../src/guide/missing-metrics/ambient/index.ts';
import { sidecarWalk } from '../../../src/guide/missing-metrics/sidecar/index.ts';
import type { Report } from '../../../src/report/document.ts';

/** One right value, or several. */
export type OneOf<T> = T | readonly T[];

/** What is right to say of a mesh; a list holds every acceptable value. */
export interface Expectation {
  verdict: OneOf<string>;
  exitCode: OneOf<number>;
  /** Left out where any will do. */
  hop?: OneOf<string | null>;
  /** Where the metrics are lost; null is nowhere. */
  step: OneOf<string | null>;
  /** Exactly why, where the metrics are lost; none where anything goes. */
  reason: readonly string[];
  /** Words of which one stands in such a reason, where it is not known by name. */
  words?: readonly string[];
  /** Steps that must not say that all is well. */
  neverPass: readonly string[];
  /** Steps that have nothing to blame. */
  neverFail: readonly string[];
  /** What single steps say, where a verdict alone is not enough. */
  status?: Readonly<Record<string, OneOf<string>>>;
  /** How many pods each data plane carries. */
  pods?: Report['mesh']['pods'];
}

/** The steps of both walks of today, in an order that is right for each: who is in the mesh, what makes metrics, who takes them. */
export const WALKED: readonly Step[] = inOneOrder(sidecarWalk.steps, ambientWalk.steps);

export const STEPS = WALKED.map(({ id }) => id);

/** What both have comes once, after what either has before it. */
function inOneOrder(one: readonly Step[], other: readonly Step[]): readonly Step[] {
  const rest = [...other];
  return one.flatMap((step) => {
    const shared = rest.findIndex(({ id }) => id === step.id);
    return [...rest.splice(0, shared + 1).slice(0, -1), step];
  });
}

export const listed = <T>(value: OneOf<T>): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** The same expectation. One that names a step which no mesh has would hold nothing against a report. */
export function ofKnownSteps(expect: Expectation): Expectation {
  const named = [...listed(expect.step), ...expect.neverPass, ...expect.neverFail, ...Object.keys(expect.status ?? {})];
  const strange = named.filter((step) => step !== null && !STEPS.includes(step));
  if (strange.length > 0) throw new Error(`there is no step ${strange.join(', ')}`);
  return expect;
}

/** What a report says otherwise than is expected, a sentence each. */
export function otherwise(report: Report, expect: Expectation): readonly string[] {
  const differs: string[] = [];
  const differ = <T extends string | number | null>(what: string, got: T, right: OneOf<T>): void => {
    if (!listed(right).includes(got))
      differs.push(`${what} is ${got ?? 'none'}, and not ${listed(right).join(' or ')}`);
  };
  differ<string>('the verdict', report.verdict, expect.verdict);
  differ('the exit code', report.exitCode, expect.exitCode);
  if (expect.hop !== undefined) differ('the hop', report.lostAt?.hop ?? null, expect.hop);
  differ('the step', report.lostAt?.step ?? null, expect.step);
  for (const [id, status] of Object.entries(expect.status ?? {})) {
    differ<string>(`the status of ${id}`, worstOf(report.steps, id) ?? 'missing', status);
  }
  const { pods } = report.mesh;
  if (expect.pods !== undefined && !isDeepStrictEqual(pods, expect.pods))
    differs.push(`the pods are ${JSON.stringify(pods)}, and not ${JSON.stringify(expect.pods)}`);
  const said = decidingReasons(report, expect);
  if (expect.reason.length > 0 && !isDeepStrictEqual(said, new Set(expect.reason)))
    differs.push(`the reasons are ${[...said].join(', ')}, and not ${expect.reason.join(', ')}`);
  const { words = [] } = expect;
  if (words.length > 0 && !words.some((word) => [...said].some((each) => each.includes(word))))
    differs.push(`no reason has ${words.join(' or ')} in it: ${[...said].join(', ')}`);
  return differs;
}

/** Why a step has its status: the one where the metrics are lost, else those of which something is expected, else any. */
function decidingReasons({ lostAt, steps }: Report, { status }: Expectation): ReadonlySet<string> {
  const named = lostAt ? [lostAt.step] : Object.keys(status ?? {});
  const deciding = steps
    .filter(({ id, status }) => named.length === 0 || (named.includes(id) && status === worstOf(steps, id)))
    .flatMap((step) => step.checks.filter((check) => check.status === step.status));
  return new Set(deciding.flatMap(({ reason }) => reason ?? []));
}

/** What all steps of that id say together: each walk may have one. */
const worstOf = (steps: Report['steps'], id: string): Status | null => {
  const own = steps.filter((step) => step.id === id);
  return own.length > 0 ? worst(own.map(({ status }) => status)) : null;
};

/** What a report says that it must never say, whatever else it finds: of several walks one may have nothing to blame. */
export const never = ({ steps }: Report, { neverPass, neverFail }: Expectation): readonly string[] =>
  steps.flatMap(({ id, status, message }) =>
    (worstOf(steps, id) === 'pass' && neverPass.includes(id)) || (status === 'fail' && neverFail.includes(id))
      ? [`${id} says ${status}: ${message}`]
      : [],
  );
