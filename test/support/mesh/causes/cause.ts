import type { RecordedObject } from '../../recordings.ts';
import { type Expectation, listed, type OneOf, STEPS, WALKED } from '../expectation.ts';
import { object } from '../objects.ts';
import type { Built } from '../scenario.ts';
import { type Spec, shop, type Workload } from '../spec.ts';

/** A mesh in which one thing is wrong, or looks so, and what is right to say of it. */
export interface Cause {
  name: string;
  /** Where it was reported or read. */
  facts: string;
  spec: Spec;
  /** What cannot be said before the mesh is built. */
  after?: (mesh: Built) => void;
  command?: string;
  expect: Expectation;
}

/** The shop, with one change. */
export function changed(change: (spec: Spec) => void, release?: string): Spec {
  const spec = shop(release);
  change(spec);
  return spec;
}

/** Changes those workloads of the shop that have a proxy. */
export function eachProxied(spec: Spec, change: (workload: Workload) => void, names?: readonly string[]): void {
  for (const each of spec.workloads) if (each.proxy !== 'none' && (names?.includes(each.name) ?? true)) change(each);
}

const hopOf = (step: string): string | null => WALKED.find(({ id }) => id === step)?.hop ?? null;

/** Metrics are lost, or wrong, at a step: what comes before it has nothing to blame, nor have delivery and consumers. */
export function lost(step: OneOf<string>, reason: readonly string[], more: Partial<Expectation> = {}): Expectation {
  const steps = listed(step);
  const first = STEPS.findIndex((each) => steps.includes(each));
  return {
    verdict: 'broken',
    exitCode: 1,
    hop: steps.map(hopOf),
    step,
    reason,
    neverPass: steps.length === 1 ? steps : [],
    neverFail: STEPS.filter(
      (each, index) => !steps.includes(each) && (index < first || each === 'config-delivery' || each === 'consumers'),
    ),
    ...more,
  };
}

/** Something is not there that may be meant to be away: a failure, or a warning. */
export const lostOrMeant = (step: string, reason: readonly string[]): Expectation => ({
  ...lost(step, reason),
  verdict: ['broken', 'healthy'],
  exitCode: [1, 0],
  hop: [hopOf(step), null],
  step: [step, null],
  status: { [step]: ['fail', 'warn'] },
});

/** Nothing is lost, whatever it looks like. */
export const healthy = (more: Partial<Expectation> = {}): Expectation => ({
  verdict: 'healthy',
  exitCode: 0,
  hop: null,
  step: null,
  reason: [],
  neverPass: [],
  neverFail: STEPS,
  ...more,
});

/** Nothing is lost, and a step says what is not as one may think. */
export const warned = (step: string, reason: readonly string[]): Expectation =>
  healthy({ reason, neverPass: [step], status: { [step]: 'warn' } });

/** The same of a step that the mesh's gateway has too, which says that all is well with it. */
export const warnedInAmbient = (step: string, reason: readonly string[]): Expectation => ({
  ...warned(step, reason),
  neverPass: [],
});

interface Attached {
  labels?: Record<string, string>;
  at?: string;
}

/** A Telemetry with these lines for metrics. */
export const telemetry = (
  namespace: string,
  name: string,
  metrics: readonly object[],
  { labels = {}, at = '2026-11-20T08:10:00Z' }: Attached = {},
): RecordedObject =>
  object(
    'telemetry.istio.io/v1',
    'Telemetry',
    { name, namespace, labels, creationTimestamp: at },
    { spec: { metrics } },
  );

export const PROMETHEUS = [{ name: 'prometheus' }];

export const override = (disabled: boolean, match: object = { metric: 'ALL_METRICS' }): object => ({
  overrides: [{ match, disabled }],
});
