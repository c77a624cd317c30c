import { defineCheck } from '../../../../diagnosis/check.ts';
import { skip } from '../../../../diagnosis/verdict.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { toWorkloads } from '../../../../evidence/prometheus/mesh-series.ts';
import { PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import { fresh } from '../../../../evidence/prometheus/proxies.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, isTraffic, perSecond, reportedBy, total } from '../../prometheus/rates.ts';
import { CONFIG_DELIVERY, STORED, TELEMETRY_CONFIG } from '../steps.ts';

export const dashboardsAnswered = defineCheck({
  id: 'dashboards-answered',
  title: 'the mesh has the reporter that Istio’s dashboards ask for',
  explains:
    'Istio’s own dashboards of services and workloads ask for reporter="destination", what the proxy counts that is called. Where callers count requests to sidecars, and no sidecar counts any, or waypoints count in their place, these dashboards are empty.',
  reasons: {
    NoDestinationReporter:
      'No sidecar counts requests where they arrive: the dashboards of services and workloads are empty.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { consumers, population, fresh, to: toWorkloads },
  judge({ consumers, population, fresh, to }) {
    if (!consumers.some(({ kind }) => kind === 'Grafana')) return skip('no Grafana in this cluster');
    const nothing = nothingIn(to);
    if (nothing) return nothing;
    const pods = population.proxies.flatMap(({ pod, kind }) => (kind === 'sidecar' ? [pod] : []));
    const sidecars = PodIndex.of(pods);
    const theirs = fresh.flatMap(seriesIn).filter(({ labels }) => sidecars.podOf(labels) !== null);
    if (theirs.some(({ labels }) => labels.get('reporter') === 'destination'))
      return { status: 'pass', message: 'sidecars count what they answer' };
    const own = new Set(pods.map(workloadOf));
    const called = seriesIn(to).filter((each) => own.has(endOf(each, 'destination_workload')));
    const [sent, byWaypoints] = [total(reportedBy(called, 'source')), total(reportedBy(called, 'waypoint'))];
    const gap = notWhole(gapsIn([...fresh, ...(to ? [to] : [])]));
    if (gap) return gap;
    if (!isTraffic(sent + byWaypoints)) return skip('nobody calls a sidecar');
    // Of sidecars without any series the steps before tell why.
    if (theirs.length === 0 && byWaypoints === 0) return skip('no sidecar has series of its own');
    return {
      status: 'warn',
      reason: 'NoDestinationReporter',
      message: `${perSecond(sent + byWaypoints)} go to sidecars, and none of them has series of reporter="destination", for which Istio’s dashboards ask`,
      hint: `kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -B4 -A4 'mode: SERVER'   # one that disables this side`,
      mayFollowFrom: [TELEMETRY_CONFIG, CONFIG_DELIVERY, STORED],
    };
  },
});
