import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { isWaypointPod } from '../../../../evidence/istio/detection.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { edges } from '../../../../evidence/prometheus/mesh-series.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf, isTraffic, perSecond, reportedBy, total } from '../../prometheus/rates.ts';

export const requestsCountedOnce = defineCheck({
  id: 'requests-counted-once',
  title: 'no request is counted by a waypoint and by a sidecar behind it',
  explains:
    'Kiali, and dashboards that know waypoints, sum up reporter=~"destination|waypoint". Behind a waypoint that lies before pods with sidecars of their own each request is counted twice by that: by the waypoint, and by the sidecar, which takes the waypoint for the caller. No series is wrong by itself.',
  reasons: {
    SidecarsCountToo: 'Sidecars behind a waypoint count the same requests again: sums over both are twice as much.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { consumers, pods: allPods, edges: attempt(edges) },
  judge({ consumers, pods, edges }): Verdict {
    if (consumers.length === 0) return skip('no Grafana and no Kiali in this cluster');
    if ('missing' in edges) return unknown([edges.missing], 'who counts requests');
    const nothing = nothingIn(edges.got);
    if (nothing) return nothing;
    const waypoints = new Set(pods.items.filter(isWaypointPod).map(workloadOf));
    const again = reportedBy(seriesIn(edges.got), 'destination').filter((each) =>
      waypoints.has(endOf(each, 'source_workload')),
    );
    if (!isTraffic(total(again)))
      return (
        notWhole(gapsIn([edges.got])) ?? {
          status: 'pass',
          message: 'no sidecar counts what a waypoint has sent',
        }
      );
    return {
      status: 'warn',
      reason: 'SidecarsCountToo',
      effect: 'wrong',
      message: `${perSecond(total(again))} to ${some([...new Set(again.map((each) => endOf(each, 'destination_workload')))])} are counted by a waypoint, and by sidecars behind it again`,
      hint: 'kubectl istio-diag missing-metrics   # bring these workloads into ambient, or sum up reporter="waypoint" alone for their Services',
    };
  },
});
