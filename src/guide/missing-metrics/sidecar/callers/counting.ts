import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { isSome, skip, some } from '../../../../diagnosis/verdict.ts';
import { settled } from '../../../../evidence/istio/emitters.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { type Caller, callers } from '../../../../evidence/prometheus/callers.ts';
import { podsIn } from '../../../../evidence/prometheus/pod-series.ts';
import { fresh, loaded } from '../../../../evidence/prometheus/proxies.ts';
import { notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { isTraffic, perSecond } from '../../prometheus/rates.ts';
import { CONFIG_DELIVERY, IN_MESH, PROTOCOL, TELEMETRY_CONFIG } from '../steps.ts';

const rateOf = (callers: readonly Caller[]): number => callers.reduce((sum, { rate }) => sum + rate, 0);

/** Whether what callers send is counted by themselves, to this workload: one of the questions of `callers-stored`. */
export const callersCount = defineCheck({
  id: 'callers-count',
  title: 'callers count what they send to the workload',
  explains:
    'Holds the requests that the workload’s own proxies count of each caller against what that caller’s proxies count to the workload. Only that nothing at all is counted is a loss: rates of two sides are never quite the same. Where the caller’s series may be those that name no source or no destination, or it calls from another cluster, nobody knows.',
  reasons: {
    CallersCountNothing:
      'Requests of these callers arrive and are counted by the workload’s own proxies; the callers’ proxies, which are stored, count none to it, or a rule leaves out what they do on its way to the store.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { callers, population, settled, fresh, loaded },
  judge({ callers: { callers, partial }, population, settled, fresh, loaded }) {
    const seen = podsIn([...fresh, ...loaded].flatMap(seriesIn), settled);
    const own = new Set(population.proxies.map(({ pod }) => pod));
    const old = new Set(settled);
    const busy = callers.filter(({ rate, leftOut }) => isTraffic(rate) && leftOut === null);
    const counting = busy.filter(({ isCounting }) => isCounting);
    // Of one that is not stored other checks tell; one that is elsewhere, or has just started, nobody can judge.
    const isStored = ({ pods }: Caller): boolean => {
      const proxied = pods.filter((pod) => own.has(pod) && old.has(pod));
      return proxied.length > 0 && proxied.every((pod) => seen.has(pod));
    };
    const silent = busy.filter((caller) => caller.isCounting === false && isStored(caller));
    const pods = silent.flatMap((caller) => caller.pods);
    if (isSome(pods)) {
      const gap = notWhole({ missing: [], partial }, 'not every side of its requests is seen');
      if (gap) return gap;
      const [{ namespace, name }] = pods;
      const subjects = subjectsOf(pods);
      return {
        status: 'fail',
        reason: 'CallersCountNothing',
        message: `${perSecond(rateOf(silent))} arrive, and their own proxies count none of it`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${shellLine('kubectl', '-n', namespace, 'get', 'pod', name, '-o', 'yaml')} | grep -E 'traffic.sidecar.istio.io|interceptionMode'   # what goes around the proxy; then: kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -B4 -A4 'mode:'; and metric_relabel_configs of Prometheus (metricRelabelings of a monitor) for reporter`,
        mayFollowFrom: [IN_MESH, TELEMETRY_CONFIG, CONFIG_DELIVERY, PROTOCOL],
      };
    }
    if (!isSome(busy)) return skip('no request of a caller in ten minutes');
    const others = busy.filter((caller) => !counting.includes(caller));
    const open = isSome(others)
      ? `${perSecond(rateOf(others))} of callers that cannot be looked at: ${some(others.map(titleOf))}`
      : '';
    if (!isSome(counting)) return skip(open);
    const counted = `${perSecond(rateOf(counting))}, counted by who sends it`;
    return { status: 'pass', message: open ? `${counted}; ${open}` : counted };
  },
});
