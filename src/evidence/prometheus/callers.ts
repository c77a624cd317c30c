import { pods as podsResource, typedName } from '../../cluster/question/resources.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { sorted } from '../../diagnosis/verdict.ts';
import type { Unanswered } from '../../errors.ts';
import { compare } from '../../istio/order.ts';
import { OPTED_OUT } from '../../scraping/ways.ts';
import { isWaypointPod } from '../istio/detection.ts';
import { allNamespaces, allPods, grouped, type Listing, podsOfNamespace } from '../kubernetes/lists.ts';
import { type Named, titleOf } from '../kubernetes/named.ts';
import { workloadNameOf, workloadOf } from '../kubernetes/owner.ts';
import { isAmbient, isRunning, type Pod } from '../kubernetes/pod.ts';
import { narrowed } from '../kubernetes/workload.ts';
import { isAnswered, isOfLastHour, isRate, isSent, isToNamed, namedBy, promqlOf, sourceOf } from './caller-series.ts';
import { askMeshStore } from './mesh-store.ts';
import type { Series } from './query.ts';
import { runsPrometheus } from './server.ts';

/** A workload that calls the one that was named. */
export interface Caller extends Named {
  /** Its running pods in this cluster. */
  pods: readonly Pod[];
  /** Requests a second that the named workload's own proxies count of it. */
  rate: number;
  /**
   * Whether the caller's own proxies count any request to the named workload; null where series do not tell: those that may be
   * its own lack a name, or it is in several clusters.
   */
  isCounting: boolean | null;
  /**
   * Why it is not looked at: next to nothing came of it in the last hour, it is a Prometheus that asks for pages, its pods
   * say that they are not to be scraped, or no proxy of their own counts for them, in ambient; null where it is.
   */
  leftOut: 'idle' | 'prometheus' | 'opted-out' | 'ambient' | null;
}

/** Who calls the workload that was named, as far as its metrics tell. */
export interface Callers {
  /** Those of most requests first. */
  callers: readonly Caller[];
  /** All pods of those that are looked at. */
  pods: readonly Pod[];
  /** Why they are not known, or not all of them; empty where the store that holds the mesh's series tells. */
  missing: readonly Unanswered[];
  partial: readonly string[];
  /** Whether there is such a store. */
  hasStore: boolean;
  /** Why not all their pods could be listed; null when they were. */
  refusal: Unanswered | null;
}

/** Whether the store tells of a namespace where it may run: a name as namespaces have it. */
export const isPlaced = ({ namespace }: Named): boolean =>
  namespace !== 'unknown' && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace);

/** How many namespaces are asked for one by one, where not all may be listed at once. */
const MOST = 5;

/** So many workloads behind a Service are asked about: a query has to fit into an address. */
const LONGEST = 100;

const unaskedIn = (workloads: readonly string[]): readonly string[] =>
  workloads.length > LONGEST ? [`${LONGEST} of ${workloads.length} workloads behind it were asked about`] : [];

/** So little in an hour is nothing that would be missed: a probe, a person who tried something. */
const FEW = 10;

const total = (series: readonly Series[]): number =>
  series.reduce((sum, { value }) => sum + (Number.isFinite(value) ? value : 0), 0);

/** The callers that series name, without the workload itself. */
export function callersIn(series: readonly Series[], own: readonly Pod[], pods: readonly Pod[]): readonly Caller[] {
  const named = new Set(own.map(workloadOf));
  const bySource = grouped(series, (each) => {
    const source = sourceOf(each);
    return source !== null && named.has(source) ? null : source;
  });
  const running = grouped(pods, (pod) => {
    const workload = workloadOf(pod);
    return bySource.has(workload) && isRunning(pod) ? workload : null;
  });
  const isNameless = series.some((each) => isSent(each) && sourceOf(each) === null);
  return [...bySource]
    .flatMap(([title, about]) => callerOf(about, running.get(title) ?? [], isNameless))
    .sort((a, b) => b.rate - a.rate || compare(titleOf(a), titleOf(b)));
}

/**
 * The caller that these series are about; none where no destination says that it calls this workload. `isNameless`: whether
 * there are requests of which nobody knows who counted them when they were sent.
 */
function callerOf(series: readonly Series[], pods: readonly Pod[], isNameless: boolean): readonly Caller[] {
  const to = series.filter(isToNamed);
  const [told] = to;
  if (!told) return [];
  const rates = to.filter(isRate);
  return [
    {
      name: told.labels.get('source_workload') ?? '',
      namespace: told.labels.get('source_workload_namespace') ?? '',
      pods,
      rate: total(rates),
      isCounting: isCountingIn(series, isNameless),
      leftOut: leftOutOf(pods, to.filter(isOfLastHour)),
    },
  ];
}

function leftOutOf(pods: readonly Pod[], recent: readonly Series[]): Caller['leftOut'] {
  if (pods.some(runsPrometheus)) return 'prometheus';
  if (pods.length > 0 && pods.every(({ labels }) => OPTED_OUT in labels)) return 'opted-out';
  if (pods.length > 0 && pods.every((pod) => isAmbient(pod) || isWaypointPod(pod))) return 'ambient';
  const sides = [recent.filter(isAnswered), recent.filter((each) => !isAnswered(each))];
  return sides.every((side) => total(side) < FEW) ? 'idle' : null;
}

function isCountingIn(series: readonly Series[], isNameless: boolean): boolean | null {
  const sent = series.filter(isSent);
  if (sent.some(isToNamed)) return true;
  const clusters = new Set(
    series.flatMap((each) => ['source_cluster', 'destination_cluster'].flatMap((label) => namedBy(each, label) ?? [])),
  );
  // Pods of this cluster are no proof of what those of another count, and its store may be another.
  return isNameless || sent.length > 0 || clusters.size > 1 ? null : false;
}

/** Namespaces of which nothing was seen and that may be there: labels of series may say anything. */
async function unseenOf({ from }: Ask, callers: readonly Caller[]): Promise<readonly string[]> {
  const named = callers.filter(({ pods, leftOut }) => pods.length === 0 && leftOut === null).filter(isPlaced);
  const known = await settle(from(allNamespaces));
  const there = 'got' in known ? new Set(known.got.items.map(({ name }) => name)) : null;
  return [...new Set(named.map(({ namespace }) => namespace))].filter((each) => there?.has(each) ?? true);
}

/** The pods of namespaces of which nothing was seen, where not all may be listed at once. */
async function podsBeside(
  ask: Ask,
  { items, refusal }: Listing<Pod>,
  callers: readonly Caller[],
): Promise<{ pods: readonly Pod[]; refusal: Unanswered | null }> {
  if (refusal === null) return { pods: items, refusal: null };
  const unseen = await unseenOf(ask, callers);
  const answers = await Promise.all(
    unseen.slice(0, MOST).map((namespace) => settle(ask.from(podsOfNamespace(namespace)))),
  );
  const { got, missing } = sorted(answers);
  const known = new Set(items.map(titleOf));
  const beside = got.flat().filter((pod) => !known.has(titleOf(pod)));
  return {
    pods: [...items, ...beside],
    refusal: missing[0] ?? (unseen.length > MOST ? refusal : null),
  };
}

/**
 * The callers, and their pods, by the names that Istio's labels have for both (pkg/kube/util.go, GetWorkloadMetaFromPod). Where
 * no store tells nobody is known, which is no fault of the workload.
 */
export const callers = planeSource(
  [{ verb: 'list', resource: typedName(podsResource) }],
  async (ask): Promise<Callers> => {
    const [own, all] = await Promise.all([ask.from(narrowed), ask.from(allPods)]);
    const nobody: Callers = { callers: [], pods: [], missing: [], partial: [], hasStore: false, refusal: null };
    if (own === null || own.pods.length === 0) return nobody;
    const workloads = [...new Set(own.pods.map(workloadNameOf))].sort();
    const asked = await settle(askMeshStore(ask, promqlOf(workloads.slice(0, LONGEST), own.workload.namespace)));
    if ('missing' in asked) return { ...nobody, missing: [asked.missing] };
    if (asked.got === null) return nobody;
    const { series, partial } = asked.got;
    if ('missing' in series) return { ...nobody, hasStore: true, missing: [series.missing] };
    const { pods, refusal } = await podsBeside(ask, all, callersIn(series.got, own.pods, all.items));
    const found = callersIn(series.got, own.pods, pods);
    return {
      callers: found,
      pods: found.flatMap((each) => (each.leftOut === null ? each.pods : [])),
      missing: [],
      partial: [...partial, ...unaskedIn(workloads)],
      hasStore: true,
      refusal,
    };
  },
);
