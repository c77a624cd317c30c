import { type ControlPlane, defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { some } from '../../../diagnosis/verdict.ts';
import type { MetricsTold, ToldClass } from '../../../evidence/istio/told.ts';
import { linesOf } from '../../../evidence/kubernetes/owner.ts';
import type { StatsFilter } from '../../../istio/stats-filters.ts';
import { objectsLine } from './cures.ts';
import { few, judgeLosses, needs, part, subjectsIn, UNDECIDED } from './family.ts';
import { type Culprit, sizeOf } from './losses.ts';
import { type Evidence, type JudgedSide, sidesOf } from './sides.ts';
import { makerOf } from './words.ts';

interface Doubled {
  times: number;
  filters: readonly StatsFilter[];
  classes: ToldClass[];
}

/** What counts on a side, requests or connections: each maker once. */
const filtersOf = ({ stats }: JudgedSide): readonly StatsFilter[] => [
  ...new Map([...(stats?.http ?? []), ...(stats?.tcp ?? [])].map((filter) => [makerOf(filter), filter])).values(),
];

/** The proxies that count calls more than once, by what counts; most proxies first. */
export function doubledIn(evidence: Evidence): readonly Doubled[] {
  const found = new Map<string, Doubled>();
  for (const { of, sides } of sidesOf(evidence)) {
    const side = sides.toSorted((a, b) => b.times - a.times)[0];
    if (!side || side.times < 2) continue;
    const filters = filtersOf(side);
    const key = JSON.stringify([side.times, filters.map(makerOf)]);
    const known = found.get(key) ?? { times: side.times, filters, classes: [] };
    known.classes.push(of);
    found.set(key, known);
  }
  return [...found.values()].sort((a, b) => sizeOf(b.classes) - sizeOf(a.classes));
}

const words = ({ times, filters, classes }: Doubled, evidence: Evidence): string =>
  `${part(classes, evidence)} count each call ${times === 2 ? 'twice' : `${times} times`}${filters.length > 1 ? `: by ${some(filters.map(makerOf))}` : ''}`;

function cure({ filters }: Doubled, { config }: MetricsTold, { namespace }: ControlPlane): string {
  const added = filters.flatMap(({ from }): Culprit[] =>
    'envoyFilter' in from ? [{ kind: 'EnvoyFilter', object: from.envoyFilter }] : [],
  );
  if (added.length > 0 && added.length < filters.length)
    return `${objectsLine('delete', added)}   # the Telemetry API makes the same metrics`;
  if (added.length > 0) return `${objectsLine('get', added, '-o', 'yaml')}   # keep one`;
  return `kubectl -n ${config?.mesh.rootNamespace ?? namespace ?? 'istio-system'} get telemetries.telemetry.istio.io -o yaml   # one provider of type prometheus is enough`;
}

export function doubledVerdict(
  [worst, ...others]: readonly [Doubled, ...Doubled[]],
  evidence: Evidence,
  plane: ControlPlane,
): Verdict {
  const all = sizeOf([worst, ...others].flatMap(({ classes }) => classes));
  const subjects = subjectsIn(worst.classes);
  return {
    status: all === sizeOf(evidence.told.classes) ? 'fail' : 'warn',
    reason: 'CountedTwice',
    effect: 'wrong',
    message: words(worst, evidence),
    evidence: [...linesOf(subjects), ...few(others.map((each) => words(each, evidence)))],
    subjects,
    hint: cure(worst, evidence.told, plane),
  };
}

export const callsCountedOnce = defineCheck({
  id: 'calls-counted-once',
  title: 'one filter counts, not two',
  explains:
    'An EnvoyFilter that makes metrics beside a provider of the Telemetry API, as one that an upgrade has left over, or two providers of type prometheus: each adds a filter of its own, and each call is counted by all of them.',
  reasons: {
    CountedTwice: 'Two filters on one side of a proxy count the same calls: all numbers are a multiple of the truth.',
    ...UNDECIDED,
  },
  needs,
  judge(evidence, { plane }) {
    const [first, ...rest] = doubledIn(evidence);
    if (first) return doubledVerdict([first, ...rest], evidence, plane);
    return judgeLosses(evidence, plane, [], () => ({ status: 'pass', message: 'no call is counted twice' }));
  },
});
