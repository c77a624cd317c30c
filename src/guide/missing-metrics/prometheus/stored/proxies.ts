import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { settled } from '../../../../evidence/istio/emitters.ts';
import { meshProxies } from '../../../../evidence/istio/mesh-proxies.ts';
import { linesOf, subjectsOf, workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { dropped, fromWorkloads, toWorkloads } from '../../../../evidence/prometheus/mesh-series.ts';
import { type MeshStore, meshStore } from '../../../../evidence/prometheus/mesh-store.ts';
import { isNameless, podsIn } from '../../../../evidence/prometheus/pod-series.ts';
import { fresh, loaded } from '../../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { prometheusServers } from '../../../../evidence/prometheus/server.ts';
import type { StoreAnswer } from '../../../../evidence/prometheus/store.ts';
import {
  CONFIG_DELIVERY,
  ENROLLED,
  IN_MESH,
  PROXY_EMITS,
  SCRAPE,
  STORED,
  TELEMETRY_CONFIG,
  WAYPOINT,
  ZTUNNEL_EMITS,
} from '../../steps.ts';
import { gapsIn, namedStore, notWhole, seriesIn } from '../answers.ts';
import { NAME_PROMETHEUS, notAllAsked } from '../found.ts';
import { PARTIAL_ANSWER } from '../partial.ts';
import { endOf, reportedBy } from '../rates.ts';
import { type Asked, coverageOf, ofProxies, reportersIn } from './coverage.ts';

/** Which proxies have fresh series of Istio's in some store, or the series that only a loaded filter makes. Null: not known. */
export function storedOf(pods: readonly Pod[], asked: Omit<Asked, 'dropped'>): ReadonlySet<Pod> | null {
  const series = ofProxies(asked);
  const gap = notWhole(gapsIn([...asked.fresh, ...asked.loaded]));
  return asked.fresh.length > 0 && gap === null && isTold(series) ? podsIn(series, pods) : null;
}

/** Whether series name their pods. */
const isTold = (series: readonly Series[]): boolean => !series.some(({ labels }) => isNameless(labels));

/** `all of shop and web`, where whole namespaces are missing; the others are among the lines. */
function wholeNamespaces(lost: readonly Pod[], pods: readonly Pod[]): string {
  const gone = new Set(lost);
  const kept = new Set(pods.filter((pod) => !gone.has(pod)).map(({ namespace }) => namespace));
  const whole = [...new Set(lost.map(({ namespace }) => namespace))].filter((each) => !kept.has(each)).sort();
  if (whole.length === 0 || kept.size === 0) return '';
  return `, all of ${whole.length > 3 ? count(whole.length, 'namespace') : whole.join(', ')}`;
}

const EARLIER = [
  IN_MESH,
  ENROLLED,
  TELEMETRY_CONFIG,
  CONFIG_DELIVERY,
  PROXY_EMITS,
  ZTUNNEL_EMITS,
  WAYPOINT,
  SCRAPE,
  STORED,
];

export const proxiesStored = defineCheck({
  id: 'proxies-stored',
  title: 'the store holds fresh series of every proxy',
  explains:
    'Looks for each proxy’s own series, by pod or by the address that was scraped, in every store that was found: requests and TCP connections that are not stale, or at least istio_build, which a loaded filter makes without any traffic. Gateways’ series alone are no health. Where the series name no pod, sums over several pods for one, their workloads are looked for. Pods that started within the last three minutes are left out.',
  reasons: {
    ProxiesNotStored: 'The store has no series of Istio’s from these proxies.',
    SeriesCut:
      'Pages of these proxies are stored in part, without Istio’s series: they are left out when they are stored.',
    SpreadOverStores: 'No store has the series of all proxies: whoever asks one sees a part of the mesh.',
    NoTraffic:
      'The filter is loaded and scraped, and has counted nothing: nobody has called, or been called by, these proxies.',
    NotCounted: 'Callers count requests to these proxies, which count none: it is not true that there is no traffic.',
    NoStore: 'No Prometheus was found that could be asked.',
    NotAllAsked: 'There are more Prometheus servers than are asked: what these do not have, others may have.',
    PodsNotTold: 'The series that are stored name neither a pod nor a workload of this mesh.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: {
    meshProxies,
    settled,
    fresh,
    loaded,
    dropped,
    store: meshStore,
    servers: prometheusServers,
    to: toWorkloads,
    from: fromWorkloads,
  },
  judge({ meshProxies, settled: pods, fresh, loaded, dropped, store, servers, to, from }): Verdict {
    if (pods.length === 0) {
      if (meshProxies.refusal) return unknown([meshProxies.refusal]);
      return skip(meshProxies.proxies.length === 0 ? 'no proxy to be judged' : 'every proxy has only just started');
    }
    if (store === null) return noStore();
    const { reporting, idle, cut, silent, unscraped } = coverageOf(pods, { fresh, loaded, dropped });
    const areTold = isTold(ofProxies({ fresh, loaded }));
    const reporters = areTold ? new Set() : reportersIn(seriesIn(to), seriesIn(from));
    const lost = [...cut, ...silent, ...unscraped].filter((pod) => !reporters.has(workloadOf(pod)));
    const total = pods.length;
    const gaps = gapsIn([...fresh, ...loaded, ...[to, from].flatMap((each) => (areTold ? [] : (each ?? [])))]);
    const about = `${total - lost.length} of ${count(total, 'proxy', 'proxies')} seen in ${namedStore(store)}`;
    if (lost.length > 0) {
      const hidden = notWhole(gaps, about);
      if (hidden) return hidden;
      if (servers.leftOut > 0) return notAllAsked(servers.leftOut, about);
      if (!areTold) return notTold(lost, pods, store);
      return lostVerdict({ cut, lost, pods, store });
    }
    if (meshProxies.refusal) return unknown([meshProxies.refusal], about);
    if (areTold && reporting.length === 0) {
      const hidden = notWhole(gaps, about);
      if (hidden) return hidden;
      const isCut =
        podsIn(
          dropped.flatMap(seriesIn).filter(({ value }) => value > 0),
          pods,
        ).size > 0;
      const called = calledIn(seriesIn(to), pods);
      if (called.length > 0)
        return {
          status: 'unknown',
          reason: 'NotCounted',
          message: `callers count requests to ${some(called)}, which count none themselves`,
          hint: 'kubectl istio-diag explain both-sides-report',
          missing: [],
        };
      return {
        status: 'unknown',
        reason: 'NoTraffic',
        message: `${count(total, 'proxy', 'proxies')} loaded and stored in ${namedStore(store)}, and no traffic has been counted`,
        ...(isCut && { evidence: ['pages are stored in part: rules of the job may leave series of traffic out'] }),
        hint: 'send a few requests through the mesh, and ask again',
        missing: [],
      };
    }
    const most = areTold && fresh.length > 1 ? mostOf(fresh, loaded, pods) : total;
    if (most < total)
      return {
        status: 'warn',
        reason: 'SpreadOverStores',
        message: `no store has all: the fullest, ${store.where}, has ${most} of ${count(total, 'proxy', 'proxies')}`,
        evidence: [store.where, ...store.beside],
        hint: 'read them through one Thanos Querier or the like, and name it with --prometheus-url',
      };
    const byName = areTold ? '' : ', by their workloads: the series name no pods';
    const quiet = idle.length > 0 ? `, ${idle.length} without traffic yet` : '';
    return {
      status: 'pass',
      message: `${total} of ${count(total, 'proxy', 'proxies')} in ${namedStore(store)}${quiet}${byName}`,
      ...(idle.length > 0 && { evidence: linesOf(subjectsOf(idle), ', no traffic counted') }),
    };
  },
});

const noStore = (): Verdict => ({
  status: 'unknown',
  reason: 'NoStore',
  message: 'no Prometheus was found',
  hint: NAME_PROMETHEUS,
  missing: [],
});

/** The workloads of these pods to which others say that they send requests. */
function calledIn(to: readonly Series[], pods: readonly Pod[]): readonly string[] {
  const own = new Set(pods.map(workloadOf));
  const called = reportedBy(to, 'source')
    .filter(({ value }) => value > 0)
    .map((each) => endOf(each, 'destination_workload'));
  return [...new Set(called)].filter((each) => own.has(each)).sort();
}

/** The most proxies that one store alone has. */
function mostOf(fresh: readonly StoreAnswer[], loaded: readonly StoreAnswer[], pods: readonly Pod[]): number {
  return Math.max(
    ...fresh.map((answer, index) => podsIn([...seriesIn(answer), ...seriesIn(loaded[index])], pods).size),
  );
}

function lostVerdict({
  cut,
  lost,
  pods,
  store,
}: {
  cut: readonly Pod[];
  lost: readonly Pod[];
  pods: readonly Pod[];
  store: MeshStore;
}): Verdict {
  // Pages that are stored in part are this hop's; of what is not scraped, and is not on the page, an earlier one tells.
  const own = cut.length > 0 ? cut : lost;
  const subjects = subjectsOf(own);
  const others = lost.length - own.length;
  const [first] = subjects;
  const words = `${own.length} of ${count(pods.length, 'proxy', 'proxies')}`;
  const evidence = [
    ...linesOf(subjects),
    ...(others > 0 ? [`and ${others} whose page is not stored, or does not have them`] : []),
  ];
  if (cut.length > 0)
    return {
      status: 'fail',
      reason: 'SeriesCut',
      message: `${words}: pages stored without Istio’s series${wholeNamespaces(own, pods)}`,
      evidence,
      subjects,
      hint: `${store.readConfig} | jq -r .data.yaml | grep -A6 metric_relabel_configs   # must keep istio_.*`,
      mayFollowFrom: [TELEMETRY_CONFIG, CONFIG_DELIVERY, PROXY_EMITS, ZTUNNEL_EMITS, WAYPOINT, STORED],
    };
  return {
    status: 'fail',
    reason: 'ProxiesNotStored',
    message: `${words} have no series of Istio’s in ${namedStore(store)}${wholeNamespaces(own, pods)}`,
    evidence,
    subjects,
    hint: first
      ? shellLine('kubectl', '-n', first.namespace, 'get', 'pod', first.pods[0] ?? '', '-o', 'yaml')
      : NAME_PROMETHEUS,
    mayFollowFrom: EARLIER,
  };
}

/** Some series name no pod: whose they are can be told by their workloads only. */
function notTold(lost: readonly Pod[], pods: readonly Pod[], { where }: MeshStore): Verdict {
  const subjects = subjectsOf(lost);
  return {
    status: 'unknown',
    reason: 'PodsNotTold',
    message: `series in ${where} name no pods, and nothing is seen of the workloads of ${lost.length} of ${count(pods.length, 'proxy', 'proxies')}`,
    evidence: linesOf(subjects),
    subjects,
    hint: NAME_PROMETHEUS,
    missing: [],
  };
}
