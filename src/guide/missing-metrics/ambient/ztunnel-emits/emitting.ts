import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Emission, emission, type ReadProxy } from '../../../../evidence/envoy/emission.ts';
import { isLoaded } from '../../../../evidence/envoy/metrics-page.ts';
import type { ProxyKind } from '../../../../evidence/istio/population.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { ENROLLED } from '../steps.ts';

/** What the pages of proxies of one kind show: of those that no store has, as far as they were asked. */
interface Shown {
  judged: readonly Pod[];
  proven: readonly Pod[];
  /** Asked, and their pages show that they make metrics. */
  seen: readonly Pod[];
  /** Asked, and their pages show that they make none. */
  silent: readonly ReadProxy[];
  /** Asked, and their pages could not be read. */
  unread: readonly ReadProxy[];
}

const pageShows = ({ merged, own }: ReadProxy): boolean =>
  [merged, own].some((page) => page !== null && 'got' in page && isLoaded(page.got));
const isRead = ({ merged, own }: ReadProxy): boolean => [merged, own].some((page) => page !== null && 'got' in page);

export function shownOf({ judged, proven, asked }: Emission, kind: ProxyKind): Shown {
  const own = judged.filter((each) => each.kind === kind).map(({ pod }) => pod);
  const read = asked.filter((each) => each.kind === kind);
  return {
    judged: own,
    proven: own.filter((pod) => proven.has(pod)),
    seen: read.filter(pageShows).map(({ pod }) => pod),
    silent: read.filter((each) => isRead(each) && !pageShows(each)),
    unread: read.filter((each) => !isRead(each)),
  };
}

/** What it means that nobody asked, for `explain`. */
export const NOT_LOOKED_AT = 'No store has them, and others were asked for their pages: --sample says how many are.';

const pageLine = ({ namespace, name }: Pod): string =>
  `kubectl istio-diag metrics ${shellLine(`pod/${name}`, '-n', namespace)}`;

/** The verdict on whether proxies of one kind make Istio's metrics: by what a store has, else by their own pages. */
export function emittingVerdict(
  emission: Emission,
  kind: ProxyKind,
  words: readonly [string, string],
  silentReason: string,
): Verdict {
  const { judged, proven, seen, silent, unread } = shownOf(emission, kind);
  if (judged.length === 0)
    return skip(emission.young > 0 ? `every ${words[0]} has only just started` : `no ${words[0]} to be judged`);
  const [first] = silent;
  if (first) {
    const subjects = subjectsOf(silent.map(({ pod }) => pod));
    return {
      status: 'fail',
      reason: silentReason,
      message: `${silent.length} of ${count(judged.length, ...words)} that ${silent.length === 1 ? 'was' : 'were'} asked ${silent.length === 1 ? 'shows' : 'show'} nothing of Istio’s on ${silent.length === 1 ? 'its page' : 'their pages'}: ${some(silent.map(({ pod }) => titleOf(pod)))}`,
      evidence: linesOf(subjects),
      subjects,
      hint: pageLine(first.pod),
      mayFollowFrom: [ENROLLED],
    };
  }
  const open = judged.length - proven.length - seen.length;
  if (unread.length > 0) {
    const missing = unread.flatMap(({ merged }) => ('missing' in merged ? [merged.missing] : []));
    if (isSome(missing))
      return unknown(missing, `${open} of ${count(judged.length, ...words)}: in no store, and the page`);
  }
  if (proven.length + seen.length === 0)
    return {
      status: 'unknown',
      reason: 'NotLookedAt',
      message: `${count(judged.length, ...words)}: in no store, and none was asked for its page`,
      hint: 'kubectl istio-diag missing-metrics --sample 20',
      missing: [],
    };
  if (emission.refusal) return unknown([emission.refusal], `not every ${words[0]} was seen`);
  const bySeries = proven.length === judged.length;
  const rest = bySeries
    ? ''
    : `, ${seen.length} by ${seen.length === 1 ? 'its page' : 'their pages'}${open > 0 ? `; ${open} others like them` : ''}`;
  return {
    status: 'pass',
    message: `${count(judged.length, ...words)}: ${proven.length} by ${proven.length === 1 ? 'its' : 'their'} stored series${rest}`,
  };
}

export const ztunnelsEmit = defineCheck({
  id: 'ztunnels-emit',
  title: 'each ztunnel makes Istio’s metrics',
  explains:
    'ztunnel makes istio_build{component="ztunnel"} from its start, traffic or not, and istio_tcp_* from the first connection on. Where a store has either, it is made; of the others a few are asked for their own page (15020). It ignores Telemetry.',
  reasons: {
    NotLookedAt: NOT_LOOKED_AT,
    ZtunnelSilent: 'The page of a ztunnel holds nothing of Istio’s: whatever answers there is no ztunnel that works.',
  },
  needs: { emission },
  judge: ({ emission }) => emittingVerdict(emission, 'ztunnel', ['ztunnel', 'ztunnels'], 'ZtunnelSilent'),
});
