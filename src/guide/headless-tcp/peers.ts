import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { calls } from '../../evidence/istio/calls.ts';
import { peerAuthentications } from '../../evidence/istio/mtls.ts';
import { behind } from '../../evidence/istio/servers.ts';
import { allPods, allServices, byNamespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning, type Pod } from '../../evidence/kubernetes/pod.ts';
import { type Service, targetOf } from '../../evidence/kubernetes/service.ts';
import { hasLabels } from '../../istio/destination-rules.ts';
import { indexPeerAuthentications, type PeerAuthentication, selectingRuleOf } from '../../istio/mtls.ts';

/** The ports of a rule that are a Service's, and none on which its pods listen as far as anything tells. */
function misnamed({ ports, selector }: PeerAuthentication, pods: readonly Pod[], services: readonly Service[]) {
  const own = pods.filter((pod) => isRunning(pod) && selector && hasLabels(selector, pod.labels));
  const near = services.filter((service) => behind(service, own).length > 0).flatMap((service) => service.ports);
  const targets = new Set([
    ...own.flatMap(({ containers }) => containers.flatMap((each) => each.ports.map(({ port }) => port))),
    ...own.flatMap((pod) => near.map((port) => targetOf(port, pod))),
  ]);
  return [...ports.keys()].filter((each) => !targets.has(each) && near.some(({ port }) => port === each));
}

/** `bookinfo/web (app=wbe)`. */
const labelled = (rule: PeerAuthentication): string =>
  `${titleOf(rule)} (${Object.entries(rule.selector ?? {})
    .map((each) => each.join('='))
    .join(', ')})`;

const saysSame = (a: PeerAuthentication, b: PeerAuthentication): boolean =>
  a.mode === b.mode &&
  a.ports.size === b.ports.size &&
  [...a.ports].every(([port, mode]) => b.ports.has(port) && b.ports.get(port) === mode);

/** Tells the older rule that counts wherever a rule would, and says something else. */
function shadows(all: readonly PeerAuthentication[], root: string) {
  const index = indexPeerAuthentications(all);
  const known = new Map<Pod, PeerAuthentication | undefined>();
  const winnerOf = (pod: Pod): PeerAuthentication | undefined => {
    if (!known.has(pod)) known.set(pod, selectingRuleOf(index, pod, root));
    return known.get(pod);
  };
  return (rule: PeerAuthentication, pods: readonly Pod[]): PeerAuthentication | undefined => {
    const { namespace, selector } = rule;
    const winners =
      selector === null
        ? (index.general.get(namespace) ?? []).slice(0, 1)
        : pods.filter((pod) => isRunning(pod) && hasLabels(selector, pod.labels)).map(winnerOf);
    return winners.includes(rule) ? undefined : winners.find((each) => each && !saysSame(each, rule));
  };
}

export const peerAuthenticationsCount = defineCheck({
  id: 'peer-authentications-count',
  title: 'what PeerAuthentications say is in force',
  explains:
    'A PeerAuthentication with a selector is for pods of its own namespace; in the root namespace of the mesh it is nobody’s. portLevelMtls is read beside a selector only, and its ports are those on which pods listen, not those of their Service. Of several without a selector in one namespace, and of several that select one pod, the oldest alone counts.',
  reasons: {
    SelectorInRoot: 'A PeerAuthentication in the root namespace has a selector: it is in force nowhere.',
    PortsWithoutSelector: 'A PeerAuthentication has portLevelMtls and no selector: its ports are not looked at.',
    Shadowed: 'An older PeerAuthentication says something else of the same pods: the younger is in force nowhere.',
    SelectsNothing: 'No pod of its namespace has the labels that a PeerAuthentication selects by.',
    PortOfService:
      'A PeerAuthentication names a port of a Service; its pods listen on another, and the rule says nothing of it.',
  },
  needs: { peers: peerAuthentications, pods: allPods, services: allServices, calls },
  judge({ peers, pods, services, calls }, { scope }) {
    const { root } = calls.routing;
    const rules = peers.items.filter(({ namespace }) =>
      scope.namespace === null ? true : namespace === scope.namespace || namespace === root,
    );
    const edit = ({ namespace, name }: PeerAuthentication): string =>
      shellLine('kubectl', '-n', namespace, 'edit', 'peerauthentications.security.istio.io', name);
    const rootless = rules.filter(({ namespace, selector }) => namespace === root && selector !== null);
    const [first] = rootless;
    if (first)
      return {
        status: 'warn',
        reason: 'SelectorInRoot',
        message: `in the root namespace, with a selector: ${some(rootless.map(titleOf))}`,
        hint: `${edit(first)}   # move it to the namespace of its pods, or take its selector away`,
      };
    const general = rules.filter(({ selector, ports }) => selector === null && ports.size > 0);
    const [whole] = general;
    if (whole)
      return {
        status: 'warn',
        reason: 'PortsWithoutSelector',
        message: `portLevelMtls without a selector: ${some(general.map(titleOf))}`,
        hint: `${edit(whole)}   # give it the labels of the pods that it is for`,
      };
    const podsOf = byNamespace(pods.items);
    const shadowOf = shadows(peers.items, root);
    const shadowed = rules.flatMap((rule) => {
      // A pod that was not seen may have a rule for itself.
      const by = pods.refusal && rule.selector ? undefined : shadowOf(rule, podsOf(rule.namespace));
      return by ? [{ rule, by }] : [];
    });
    const [young] = shadowed;
    if (young)
      return {
        status: 'warn',
        reason: 'Shadowed',
        message: some(shadowed.map(({ rule, by }) => `${titleOf(rule)} is not in force, ${by.name} is older`)),
        hint: `${edit(young.by)}   # write there what is meant, and delete ${young.rule.name}`,
      };
    const servicesOf = byNamespace(services.items);
    const wrong = rules.flatMap((rule) => {
      const ports = misnamed(rule, podsOf(rule.namespace), servicesOf(rule.namespace));
      return ports.length > 0 ? [{ rule, ports }] : [];
    });
    const [other] = wrong;
    if (other)
      return {
        status: 'warn',
        reason: 'PortOfService',
        message: some(
          wrong.map(({ rule, ports }) => `${titleOf(rule)} names ${ports.join(', ')}, a port of a Service`),
        ),
        hint: `${edit(other.rule)}   # name the port on which its pods listen`,
      };
    const idle = rules.filter(({ namespace, selector }) => {
      const own = podsOf(namespace);
      return selector !== null && own.length > 0 && !own.some(({ labels }) => hasLabels(selector, labels));
    });
    const [nobodys] = pods.refusal ? [] : idle;
    if (nobodys)
      return {
        status: 'warn',
        reason: 'SelectsNothing',
        message: `no pod has the labels of ${some(idle.map(labelled))}`,
        hint: `${edit(nobodys)}   # give it the labels of its pods; WorkloadEntries and workloads at rest were not looked at`,
      };
    const unseen = peers.refusal ?? pods.refusal ?? services.refusal;
    if (unseen) return unknown([unseen]);
    if (rules.length === 0) return skip('no PeerAuthentication');
    return { status: 'pass', message: `${count(rules.length, 'PeerAuthentication')}: ${some(rules.map(titleOf))}` };
  },
});
