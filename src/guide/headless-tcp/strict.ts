import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { calls } from '../../evidence/istio/calls.ts';
import { peerAuthentications } from '../../evidence/istio/mtls.ts';
import { answersOn, behind, isNaked } from '../../evidence/istio/servers.ts';
import { allPods, allServices, byNamespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning, type Pod } from '../../evidence/kubernetes/pod.ts';
import { type Service, targetOf } from '../../evidence/kubernetes/service.ts';
import {
  indexPeerAuthentications,
  isByPeerAuthentication,
  type MtlsMode,
  mtlsModeOf,
  NOT_LOOKED_AT,
} from '../../istio/mtls.ts';
import { isStore } from './stores.ts';

/** A pod that may call its neighbours, and not by mutual TLS. What runs on its node's network is no application's as a rule. */
const isPlainCaller = (pod: Pod): boolean => isRunning(pod) && isNaked(pod) && !pod.hostNetwork && !isStore(pod);

/** Whether a pod behind a Service takes one of its ports in a way that `mode` tells. */
const takes = (service: Service, pod: Pod, modeOf: (port: number) => MtlsMode | null): boolean =>
  service.ports.some((each) => {
    const port = each.protocol === 'TCP' ? targetOf(each, pod) : null;
    const by = port === null ? null : answersOn(pod, port);
    return port !== null && (by === 'sidecar' || by === 'ztunnel') && modeOf(port) === 'STRICT';
  });

export const strictIsCalledByProxies = defineCheck({
  id: 'strict-is-called-by-proxies',
  title: 'nobody without a proxy lives beside pods that take mutual TLS only',
  explains:
    'A pod whose PeerAuthentication says STRICT refuses every caller without a proxy. Who calls whom is not known: looks for running pods without a proxy in the namespace of a Service that is STRICT, without databases and brokers, which are called, and pods on their node’s network. Probes of the kubelet are rewritten by the injector, and are not refused. What pods of before 1.6 take by a Policy or a MeshPolicy is not looked at.',
  reasons: {
    StrictBesidePlainCallers:
      'Pods without a proxy live in the namespace of Services that take mutual TLS only: what they call there resets the connection.',
  },
  needs: { services: allServices, pods: allPods, peers: peerAuthentications, calls },
  judge({ services, pods, peers, calls }, { plane, scope }) {
    const podsOf = byNamespace(pods.items);
    const { root } = calls.routing;
    // What the control plane's own pods call, Istio itself sees to.
    const inScope = services.items.filter(({ namespace }) =>
      scope.namespace === null ? namespace !== plane.namespace : namespace === scope.namespace,
    );
    const which = (modeOf: (pod: Pod, port: number) => MtlsMode): readonly Service[] =>
      inScope.filter((service) =>
        behind(service, podsOf(service.namespace)).some((pod) => takes(service, pod, (port) => modeOf(pod, port))),
      );
    const isAnyStrict = peers.items.some(({ mode, ports }) => [mode, ...ports.values()].includes('STRICT'));
    const rules = indexPeerAuthentications(peers.items);
    const strict = isAnyStrict ? which((pod, port) => mtlsModeOf(rules, pod, port, root)) : [];
    const possible = peers.refusal ? which(() => 'STRICT') : strict;
    const beside = (found: readonly Service[]): readonly Pod[] =>
      [...new Set(found.map(({ namespace }) => namespace))].flatMap((each) => podsOf(each).filter(isPlainCaller));
    if (peers.refusal && beside(possible).length > 0)
      return unknown([peers.refusal], 'not every PeerAuthentication was seen');
    const callers = beside(strict);
    const [first] = callers;
    if (first) {
      const shut = strict.filter(({ namespace }) => callers.some((pod) => pod.namespace === namespace));
      return {
        status: 'warn',
        reason: 'StrictBesidePlainCallers',
        message: `${some(shut.map(titleOf))} ${shut.length === 1 ? 'takes' : 'take'} mutual TLS only, beside pods without a proxy: ${some(callers.map(titleOf))}`,
        hint: `${shellLine('kubectl', '-n', first.namespace, 'get', 'peerauthentications.security.istio.io', '-o', 'yaml')}   # PERMISSIVE for what they call, or give ${first.name} a proxy`,
      };
    }
    const unseen = pods.refusal ?? services.refusal;
    if (unseen) return unknown([unseen]);
    if (!isByPeerAuthentication(plane.version)) return skip(NOT_LOOKED_AT);
    if (strict.length === 0) return skip('no Service takes mutual TLS only');
    return {
      status: 'pass',
      message: `${count(strict.length, 'Service')} that ${strict.length === 1 ? 'takes' : 'take'} mutual TLS only: ${some(strict.map(titleOf))}`,
    };
  },
});
