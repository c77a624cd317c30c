import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, skip } from '../../../../diagnosis/verdict.ts';
import { settled } from '../../../../evidence/istio/emitters.ts';
import { type ProxyKind, population } from '../../../../evidence/istio/population.ts';
import { linesOf, subjectsOf, workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { fromWorkloads, toWorkloads } from '../../../../evidence/prometheus/mesh-series.ts';
import { podsIn } from '../../../../evidence/prometheus/pod-series.ts';
import { fresh, loaded } from '../../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, isTraffic, perSecond, ratesBy, ratesByEnd, reportedBy, total } from '../../prometheus/rates.ts';
import { CONFIG_DELIVERY, IN_MESH, PROTOCOL, TELEMETRY_CONFIG } from '../steps.ts';

/** The workloads that one side tells of and their own proxies do not, with what the others count. */
function onesided(
  series: readonly Series[],
  end: 'source_workload' | 'destination_workload',
): ReadonlyMap<string, number> {
  const { own, other } = ratesByEnd(series, end);
  const waypoints = ratesBy(reportedBy(series, 'waypoint'), (each) => endOf(each, end));
  return new Map([...other].filter(([name, rate]) => isTraffic(rate) && !own.get(name) && !waypoints.get(name)));
}

export const bothSidesReport = defineCheck({
  id: 'both-sides-report',
  title: 'both ends of the requests are counted',
  explains:
    'Each request between two proxies is counted twice: by the caller’s (reporter="source") and by the one that answers (reporter="destination"). Looks for workloads whose requests others count and their own proxy, which is stored, does not: traffic that goes around it, a Telemetry for one side alone. Gateways count what they send only, and requests that never arrived are left out. Warns; fails for a workload that was named.',
  reasons: {
    ServerSideMissing: 'Callers count requests to these workloads, and the workloads’ own proxies count none.',
    ClientSideMissing: 'Requests from these workloads are counted where they arrive, and not by their own proxies.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { population, settled, fresh, loaded, to: toWorkloads, from: fromWorkloads },
  judge({ population, settled, fresh, loaded, to, from }, { scope }) {
    const nothing = nothingIn(to) ?? nothingIn(from);
    if (nothing) return nothing;
    const seen = podsIn([...fresh, ...loaded].flatMap(seriesIn), settled);
    const proxies = population.proxies.filter(({ pod }) => seen.has(pod));
    const servers = onesided(seriesIn(to), 'destination_workload');
    const clients = onesided(seriesIn(from), 'source_workload');
    const which = (rates: ReadonlyMap<string, number>, among: readonly { pod: Pod; kind: ProxyKind }[]) =>
      among.filter(({ pod }) => rates.has(workloadOf(pod))).map(({ pod }) => pod);
    const silentServers = which(
      servers,
      proxies.filter(({ kind }) => kind === 'sidecar'),
    );
    const silentClients = which(clients, proxies);
    const [pods, rates, isServer] =
      silentServers.length > 0 ? [silentServers, servers, true] : [silentClients, clients, false];
    const gap = notWhole(gapsIn([to, from].flatMap((each) => each ?? [])));
    const [first] = pods;
    if (!first) {
      if (gap) return gap;
      const sum = total(seriesIn(to));
      if (!isTraffic(sum)) return skip('no requests in ten minutes to compare');
      return { status: 'pass', message: `${perSecond(sum)} in all, counted at both ends between proxies` };
    }
    if (gap) return gap;
    const workloads = [...new Set(pods.map(workloadOf))];
    const rate = workloads.reduce((sum, name) => sum + (rates.get(name) ?? 0), 0);
    const subjects = subjectsOf(pods);
    return {
      status: scope.workload === null ? 'warn' : 'fail',
      reason: isServer ? 'ServerSideMissing' : 'ClientSideMissing',
      message: isServer
        ? `${count(workloads.length, 'workload')} of ${perSecond(rate)} by their callers count none themselves`
        : `${count(workloads.length, 'workload')} that sent ${perSecond(rate)}, by those who answered, count none themselves`,
      evidence: linesOf(subjects),
      subjects,
      hint: `${shellLine('kubectl', '-n', first.namespace, 'get', 'pod', first.name, '-o', 'yaml')} | grep -E 'traffic.sidecar.istio.io|interceptionMode'   # what goes around the proxy; then: kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -B4 -A4 'mode:'`,
      mayFollowFrom: [IN_MESH, TELEMETRY_CONFIG, CONFIG_DELIVERY, PROTOCOL],
    };
  },
});
