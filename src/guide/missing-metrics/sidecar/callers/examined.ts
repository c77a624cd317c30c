import type { AnyCheck, Attempt, Subject, Verdict } from '../../../../diagnosis/check.ts';
import { attempt, ofCallers } from '../../../../diagnosis/source.ts';
import { skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Population, population } from '../../../../evidence/istio/population.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';

/** A check of the callers' proxies: what of a step can cost the workload that was named its callers' side of its metrics. */
interface Told extends Pick<AnyCheck, 'id' | 'title' | 'explains'> {
  /** The step that it is of. */
  step: string;
  /** What is asked of the proxies of any workload: a failure of these is a loss for the workload that is called. */
  of: readonly AnyCheck[];
}

type Failed = Extract<Verdict, { status: 'fail' | 'warn' }>;

const isFailed = (verdict: Verdict): verdict is Failed => verdict.status === 'fail';

/** That nothing is counted is said of a caller where it is known that it sends something. */
const isOfTraffic = (verdict: Verdict): boolean =>
  'reason' in verdict && /^(NoTraffic|NotCounted)$/.test(verdict.reason);

/** The same subjects of several findings, once each. */
function together(verdicts: readonly Verdict[]): readonly Subject[] {
  const found = new Map<string, Subject>();
  for (const each of verdicts.flatMap(({ subjects = [] }) => subjects)) {
    const key = `${each.kind} ${titleOf(each)}`;
    const pods = new Set([...(found.get(key)?.pods ?? []), ...each.pods]);
    found.set(key, { ...each, pods: [...pods].sort() });
  }
  return [...found.values()];
}

/** `caller shop/web: 1 of 2 proxies …`. */
function ofThem(message: string, subjects: readonly Subject[]): string {
  const names = some(subjects.map(titleOf));
  return `${subjects.length === 0 ? 'of its callers' : subjects.length === 1 ? `caller ${names}` : `callers ${names}`}: ${message}`;
}

/** One verdict of several: failures before what is not known. A warning costs the workload that is called nothing. */
function verdictOf(verdicts: readonly Verdict[], step: string): Verdict {
  const failed = verdicts.filter(isFailed);
  const isCause = ({ mayFollowFrom = [] }: Failed): boolean => !mayFollowFrom.includes(step);
  const first = failed.find(isCause) ?? failed[0];
  if (first) {
    const others = failed.filter((each) => each !== first && isCause(each));
    const subjects = together([first, ...others]);
    return {
      ...first,
      message: ofThem(first.message, first.subjects ?? []),
      evidence: [...(first.evidence ?? []), ...others.map((each) => ofThem(each.message, each.subjects ?? []))],
      subjects,
      mayFollowFrom: (first.mayFollowFrom ?? []).filter((each) => each !== step),
    };
  }
  const known = verdicts.filter((verdict) => !isOfTraffic(verdict));
  // The last says most of what is well, as what goes before it is there to explain it.
  const worst =
    known.find(({ status }) => status === 'unknown') ??
    known.findLast(({ status }) => status === 'pass') ??
    known.find(({ status }) => status === 'skip');
  if (!worst) return skip('nothing that would cost their side of the metrics');
  return { ...worst, message: ofThem(worst.message, []) };
}

/** A check that lets others judge the callers' proxies in place of those that were asked for. */
export function callersCheck({ id, title, explains, step, of }: Told): AnyCheck {
  const nameOf = (check: AnyCheck, name: string): string => `${check.id} ${name}`;
  return {
    id,
    about: 'callers',
    title,
    explains,
    reasons: Object.assign({}, ...of.map(({ reasons }) => reasons)),
    needs: {
      callers: ofCallers(attempt(population)),
      ...Object.fromEntries(
        of.flatMap((check) =>
          Object.entries(check.needs).map(([name, source]) => [nameOf(check, name), ofCallers(source)]),
        ),
      ),
    },
    judge(evidence, context) {
      const { callers } = evidence as { callers: Attempt<Population> };
      if ('missing' in callers) return unknown([callers.missing], 'its callers’ pods');
      const { proxies, outsiders, refusal } = callers.got;
      const isNobody = proxies.length === 0 && !('got' in outsiders && outsiders.got.length > 0);
      if (isNobody)
        return refusal ? unknown([refusal], 'its callers’ pods') : skip('no proxy of a caller’s is known here');
      const verdicts = of.map((check) =>
        check.judge(
          Object.fromEntries(Object.keys(check.needs).map((name) => [name, evidence[nameOf(check, name)]])),
          context,
        ),
      );
      return verdictOf(verdicts, step);
    },
  };
}
