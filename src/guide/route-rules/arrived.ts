import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { answered, askedEnvoys, envoys, isSidecar, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { type Configuration, envoyDumps } from '../../evidence/envoy/dump.ts';
import { calls } from '../../evidence/istio/calls.ts';
import { firstSyncs, proxiesIn } from '../../evidence/istio/pilot.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { proxyNamed, stateOf } from '../../evidence/istio/sync.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { fullHost } from '../../istio/hosts.ts';
import type { Destination } from '../../istio/http-rules.ts';
import { isDecisive } from '../../istio/parts.ts';
import { isAtLeast } from '../../istio/release.ts';
import { viewsOf } from '../../istio/view.ts';
import { isForMesh, type MergedVirtualService as VirtualService } from '../../istio/virtual-services.ts';
import { HOSTS, NO_RULES, SERVICE_PORTS } from './steps.ts';

/** Tells whether a dump has a route of a rule: it says so since 1.1; before, the clusters that routes lead to tell. */
function arrivalsIn({ routes }: Configuration, saysSo: boolean): (rule: VirtualService) => boolean {
  const hosts = routes.flatMap(({ virtualHosts }) => virtualHosts);
  if (saysSo) {
    const named = new Set(hosts.flatMap(({ routes }) => routes.map(({ rule }) => rule)));
    return (rule) => named.has(titleOf(rule));
  }
  return (rule) =>
    hosts
      .filter(({ domains }) =>
        domains.some((domain) => rule.hosts.includes(fullHost(domain.replace(/:\d+$/, ''), rule.namespace))),
      )
      .some(({ routes }) =>
        routes.some(({ clusters }) => clusters.some((cluster) => telling(rule).some((to) => isClusterOf(cluster, to)))),
      );
}

/** Where only the rule leads: to a subset, or to another host than its own, which Pilot's own routes lead to. */
const telling = (rule: VirtualService): readonly Destination[] =>
  rule.http.flatMap(({ destinations }) =>
    destinations.filter(({ subset, host }) => subset !== null || !rule.hosts.includes(host)),
  );

/** `outbound|9080|v1|reviews.bookinfo.svc.cluster.local`. */
function isClusterOf(cluster: string, { subset, host }: Destination): boolean {
  const [, , ofSubset = '', name = ''] = cluster.split('|');
  return ofSubset === (subset ?? '') && fullHost(name, '') === host;
}

export const rulesArrived = defineCheck({
  id: 'rules-arrived',
  title: 'the rules are in the proxies of those who call',
  explains:
    'The proof: reads the configuration of a few sidecars (--sample, or the one that --from names), and looks for a route that names the rule (1.1 and newer), or leads where the rule leads (0.8, 1.0). A rule that exportTo or a Sidecar object keeps from a proxy, or that is for some callers or gateways only, is not missed there. What changed a few seconds ago may be on its way.',
  reasons: {
    RuleMissing: 'A proxy that is in sync has no route of a rule: the rule has no effect on its calls.',
    NobodyAsked: 'There are sidecars, and none of them was asked.',
    ProxyBehind: 'A proxy has no route of a rule, and has not taken its newest configuration: see pilot-connectivity.',
  },
  needs: {
    rules,
    all: envoys,
    dumps: envoyDumps,
    calls,
    syncs: attempt(firstSyncs),
    asked: askedEnvoys,
  },
  judge({ rules: { virtualServices, hosted, missing }, all, dumps, calls, syncs, asked }, { plane }) {
    const saysSo = plane.version === null || isAtLeast(plane.version, '1.1');
    const meshed = virtualServices.filter(
      (rule) => isForMesh(rule) && rule.http.length > 0 && (saysSo || telling(rule).length > 0),
    );
    if (meshed.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    const sidecars = dumps.filter(isSidecar);
    if (sidecars.length === 0) {
      if (!all.some(isSidecar)) return skip('no sidecar to ask');
      return {
        status: 'unknown',
        reason: 'NobodyAsked',
        message: `${count(all.length, 'proxy', 'proxies')} there, and no sidecar was asked: --sample or --from`,
        missing: [],
      };
    }
    const { got, missing: unread } = sorted(sidecars.map(({ said }) => said));
    if (got.length === 0 && isSome(unread)) return unknown(unread);
    const viewFor = viewsOf(calls.routing);
    const wanted = answered(sidecars).flatMap(({ said, ...envoy }) => {
      const { pod } = envoy;
      const hasArrived = arrivalsIn(said, saysSo);
      const view = viewFor(pod);
      return meshed
        .filter((rule) => isDecisive(rule, view))
        .map((rule) => ({ envoy, rule, arrived: hasArrived(rule) }));
    });
    // Of a host that is no Service's there is nothing where no port of the mesh is its.
    const lost = wanted.filter(({ arrived, rule }) => !arrived && hosted.has(titleOf(rule)));
    const [first] = lost;
    if (first) {
      if (isSome(calls.missing))
        return unknown(
          calls.missing,
          `VirtualService ${titleOf(first.rule)} is not in ${nameOf(first.envoy)}, which what could not be seen may explain`,
        );
      const behind = new Set(
        proxiesIn(syncs)
          .filter(({ types }) => types.some((type) => /stale|error/.test(stateOf(type))))
          .map(({ proxy }) => proxy),
      );
      const isBehind = lost.every(({ envoy }) => behind.has(proxyNamed(envoy.pod)));
      const message = some([
        ...new Set(lost.map(({ envoy, rule }) => `VirtualService ${titleOf(rule)} is not in ${nameOf(envoy)}`)),
      ]);
      if (isBehind)
        return { status: 'warn', reason: 'ProxyBehind', message, hint: 'kubectl istio-diag pilot-connectivity' };
      return {
        status: 'fail',
        reason: 'RuleMissing',
        message,
        evidence: wanted
          .slice(0, 20)
          .map(
            ({ envoy, rule, arrived }) => `${nameOf(envoy)}: ${titleOf(rule)} ${arrived ? 'is there' : 'is not there'}`,
          ),
        hint: shellLine(
          'kubectl',
          'istio-diag',
          'debug',
          'proxy-config',
          'routes',
          first.envoy.pod.name,
          '-n',
          first.envoy.pod.namespace,
        ),
        mayFollowFrom: [HOSTS, SERVICE_PORTS],
      };
    }
    const silent = unasked(sidecars);
    if (silent) return silent;
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    const seen = wanted.filter(({ arrived }) => arrived);
    if (seen.length === 0) return skip('none of the rules is for the proxies that were asked');
    return {
      status: 'pass',
      message: `${count(new Set(seen.map(({ rule }) => titleOf(rule))).size, 'rule')} in ${sampleOf(asked)}`,
    };
  },
});
