import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { openings } from '../../../../evidence/ambient/series.ts';
import { elsewhere } from '../../../../evidence/istio/networks.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import { byCluster } from '../../../../evidence/istio/remote-clusters.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { isRunning, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { namedIn } from '../../prometheus/clusters.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { connections, endOf, isTraffic, isTunnelled, reportedBy, share, total } from '../../prometheus/rates.ts';

/** Workloads all of whose pods use their node's network: nothing leads their connections through a tunnel. */
function onNodesNetwork(pods: readonly Pod[]): ReadonlySet<string> {
  const running = pods.filter(isRunning);
  const own = new Set(running.filter((pod) => pod.hostNetwork && proxyContainerOf(pod) === undefined).map(workloadOf));
  if (own.size > 0) for (const pod of running) if (!pod.hostNetwork) own.delete(workloadOf(pod));
  return own;
}

export const sourcesKnown = defineCheck({
  id: 'sources-known',
  title: 'who calls through the tunnel is known by name',
  explains:
    'ztunnel names who calls by the address that a connection comes from (source_workload), and proves it by the certificate (source_principal). Where something rewrites addresses on the way between nodes (masquerading, SNAT) the address is a node’s: the workload is unknown then, or one that uses the node’s network and cannot have sent it. Looks at connections that arrived with mutual TLS. Sums by whom was called are right all the same. Where there is a way to another network, or another cluster, nothing is said, nor where a proxy uses its node’s network: what comes by a gateway comes from its address.',
  reasons: {
    SourceMasqueraded:
      'Connections arrive by mutual TLS from addresses that are no workload’s: something rewrites them on the way.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { openings: attempt(openings), pods: allPods, clusters: attempt(byCluster), elsewhere },
  judge({ openings, pods, clusters, elsewhere: { doors, missing } }): Verdict {
    if ('missing' in openings) return unknown([openings.missing], 'who calls');
    const nothing = nothingIn(openings.got);
    if (nothing) return nothing;
    if ('missing' in clusters) return unknown([clusters.missing], 'which clusters are counted');
    const named = namedIn(seriesIn(clusters.got));
    if (doors.length > 0 || named.size > 1)
      return skip(`callers may come from another network: ${some(doors.length > 0 ? doors : [...named].sort())}`);
    const routers = pods.items.filter(
      (pod) => isRunning(pod) && pod.hostNetwork && proxyContainerOf(pod) !== undefined,
    );
    if (routers.length > 0)
      return skip(`proxies on their nodes’ network come from the nodes’ addresses: ${some(routers.map(titleOf))}`);
    const arrived = reportedBy(seriesIn(openings.got), 'destination').filter(isTunnelled);
    const nodes = onNodesNetwork(pods.items);
    const strange = arrived.filter((each) => {
      const source = endOf(each, 'source_workload');
      return source.endsWith('/unknown') || nodes.has(source);
    });
    const [all, rate] = [total(arrived), total(strange)];
    const part = notWhole(gapsIn([openings.got]));
    if (part) return part;
    if (!isTraffic(rate)) {
      if (!isTraffic(all)) return skip('no connections through the tunnel in ten minutes');
      return { status: 'pass', message: `of ${connections(all)} that came through the tunnel` };
    }
    if (isSome(missing)) return unknown(missing, 'whether callers come from another network');
    const callers = [...new Set(strange.map((each) => endOf(each, 'source_workload')))].sort();
    const [first] = strange;
    const called = first ? endOf(first, 'destination_workload') : '';
    return {
      status: 'warn',
      reason: 'SourceMasqueraded',
      effect: 'wrong',
      message: `${share(rate, all)} of ${connections(all)} that came through the tunnel are counted as from ${some(callers)}: addresses are rewritten on the way`,
      evidence: [...new Set(strange.map((each) => `to ${endOf(each, 'destination_workload')}`))].sort().slice(0, 10),
      hint: `${shellLine('kubectl', 'get', 'nodes', '-o', 'wide')}   # is what ${called}’s ztunnel logs as src.addr a node’s INTERNAL-IP? then the CNI masquerades between pods: take the pods’ range out of it (ip-masq-agent’s nonMasqueradeCIDRs, Cilium’s ipv4NativeRoutingCIDR)`,
    };
  },
});
