import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { type Enrolled, enrolled, type Member } from '../../../../evidence/ambient/enrolled.ts';
import { openings } from '../../../../evidence/ambient/series.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import { byCluster } from '../../../../evidence/istio/remote-clusters.ts';
import { allPods, grouped } from '../../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf, workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { isRunning, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { restartOf } from '../../../templates.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { namedIn } from '../../prometheus/clusters.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { connections, endOf, isTraffic, isTunnelled, ratesByEnd, reportedBy, total } from '../../prometheus/rates.ts';
import { ENROLLED, SCRAPE, ZTUNNEL_EMITS } from '../steps.ts';

/** By which a pod has what comes in go past its ztunnel (cni/pkg/nodeagent/net.go). */
const BYPASS = 'ambient.istio.io/bypass-inbound-capture';

type Carried = Member & { node: { ztunnel: Pod } };

/** The workloads of which each pod that runs is led to a ztunnel whose series are stored, and has been for a while. */
function carriedIn(
  { members }: Pick<Enrolled, 'members'>,
  proven: ReadonlySet<Pod>,
  pods: readonly Pod[],
): ReadonlyMap<string, readonly Carried[]> {
  const isSure = (member: Member): member is Carried => {
    const { redirection, isYoung, node } = member;
    return redirection === 'enabled' && !isYoung && node.ztunnel !== null && proven.has(node.ztunnel);
  };
  const sure = new Map(members.filter(isSure).map((each) => [each.pod, each]));
  const others = new Set(pods.filter((pod) => isRunning(pod) && !sure.has(pod)).map(workloadOf));
  return grouped(
    [...sure.values()].filter(({ pod }) => !others.has(workloadOf(pod))),
    ({ pod }) => workloadOf(pod),
  );
}

/** What comes to a workload, or from it, by those at the other end alone. */
function onesided(
  series: readonly Series[],
  end: 'source_workload' | 'destination_workload',
): ReadonlyMap<string, number> {
  const between = series.filter((each) => endOf(each, 'source_workload') !== endOf(each, 'destination_workload'));
  // One that stands still is counted all the same.
  const { own } = ratesByEnd(series, end);
  return new Map([...ratesByEnd(between, end).other].filter(([name, rate]) => isTraffic(rate) && !own.has(name)));
}

export const bothEndsReport = defineCheck({
  id: 'both-ends-report',
  title: 'both ends of the connections are counted',
  explains:
    'A connection between two pods in ambient is counted twice: by the ztunnel of who calls (reporter="source") and by the ztunnel of who is called (reporter="destination"). Looks for workloads of which all pods are marked as led to ztunnels that are stored, and whose connections those at the other end alone count: calls that come from a pod past its own ztunnel, as after a restart of its node when its agent gave up on it, arrive without mutual TLS; calls to a pod that its ztunnel knows nothing of are tried, and not counted there. Where series name several clusters nothing is said: a workload of the same name may be meant. Connections of the last ten minutes are looked at, which may be older than the label that a namespace was given.',
  reasons: {
    ServerSideMissing:
      'Callers’ ztunnels open connections to these workloads by HBONE, and the workloads’ own ztunnels count none.',
    ClientSideMissing:
      'Connections from these workloads are counted where they arrive, and not by their own ztunnels: they go past them.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { enrolled, emission, pods: allPods, openings: attempt(openings), clusters: attempt(byCluster) },
  judge({ enrolled, emission, pods, openings, clusters }): Verdict {
    if ('missing' in openings) return unknown([openings.missing], 'whose connections are counted');
    const nothing = nothingIn(openings.got);
    if (nothing) return nothing;
    if (!emission.judged.some(({ kind, pod }) => kind === 'ztunnel' && emission.proven.has(pod)))
      return skip('no series of these pods’ ztunnels is stored');
    if ('missing' in clusters) return unknown([clusters.missing], 'which clusters are counted');
    const named = namedIn(seriesIn(clusters.got));
    if (named.size > 1) return skip(`series name ${named.size} clusters: workloads of others may be meant`);
    const all = seriesIn(openings.got);
    const isSure = ({ labels }: Series): boolean => labels.get('reporter') !== 'source' || isTunnelled({ labels });
    const servers = onesided(all.filter(isSure), 'destination_workload');
    const clients = onesided(all, 'source_workload');
    const carried = servers.size + clients.size === 0 ? null : carriedIn(enrolled, emission.proven, pods.items);
    const own = (rates: ReadonlyMap<string, number>, isOne: (member: Carried) => boolean = () => true) =>
      [...rates].flatMap(([name, rate]) => {
        const members = carried?.get(name) ?? [];
        return members.length > 0 && members.every(isOne) ? [{ name, rate, members }] : [];
      });
    const past = own(clients);
    const isServer = past.length === 0;
    const found = isServer ? own(servers, ({ pod }) => pod.annotations[BYPASS] !== 'true') : past;
    const gap = notWhole(gapsIn([openings.got]));
    if (gap) return gap;
    if (found.length === 0) {
      const sum = total(reportedBy(all, 'destination'));
      if (!isTraffic(sum)) return skip('no connections in ten minutes to compare');
      return {
        status: 'pass',
        message: `${connections(sum)} that arrive; no workload of which each pod is led to a ztunnel is counted at the other end alone`,
      };
    }
    const members = found.flatMap((each) => each.members);
    const [{ pod, node }] = members as [Carried, ...Carried[]];
    const subjects = subjectsOf(members.map((each) => each.pod));
    const rate = connections(found.reduce((sum, each) => sum + each.rate, 0));
    return {
      status: 'warn',
      reason: isServer ? 'ServerSideMissing' : 'ClientSideMissing',
      message: isServer
        ? `${rate} are opened to ${count(found.length, 'workload')}, and their own ztunnels count none`
        : `${rate} come from ${count(found.length, 'workload')}, and their own ztunnels count none: they go past them`,
      evidence: linesOf(subjects),
      subjects,
      hint: `${
        node.agent && !isServer
          ? `${shellLine('kubectl', '-n', node.agent.namespace, 'logs', node.agent.name)} | grep netns`
          : `${shellLine('kubectl', '-n', node.ztunnel.namespace, 'logs', node.ztunnel.name, '--since=15m')} | grep ${shellLine(pod.name)}`
      }   # then new pods in their place: ${restartOf([pod])}`,
      mayFollowFrom: [ENROLLED, ZTUNNEL_EMITS, SCRAPE],
    };
  },
});
