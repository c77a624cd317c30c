import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { hasSidecar } from '../../evidence/istio/servers.ts';
import { allPods, allServices, byNamespace, selects } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning, type Pod } from '../../evidence/kubernetes/pod.ts';
import { type StatefulSet, statefulSets } from '../../evidence/kubernetes/stateful-sets.ts';

/** How the names of a StatefulSet's pods are found by proxies. */
type Found = 'by name' | 'no service' | 'not headless' | 'selects none';

export const statefulSetsAreHeadless = defineCheck({
  id: 'stateful-sets-are-headless',
  title: 'the pods of StatefulSets can be called one by one',
  explains:
    'The pods of a StatefulSet call each other by name, `POD.SERVICE.NAMESPACE`, below the Service that its serviceName says. Without that Service the names do not resolve, nor where it selects other pods, nor, as Kubernetes says, where it has an address of its own. Proxies then know that address only: where no other Service is headless for the pods, calls to a pod’s own address go through unlooked at, in plain text, which STRICT refuses. Looks at StatefulSets of several pods with sidecars.',
  reasons: {
    HeadlessServiceMissing:
      'The Service that a StatefulSet names does not exist: the names of its pods do not resolve.',
    ServiceNotHeadless:
      'The Service that a StatefulSet names has an address of its own: its pods have no names there, and proxies know no single one of them by it.',
    ServiceSelectsNone:
      'The headless Service that a StatefulSet names selects none of its pods: their names do not resolve.',
  },
  needs: { sets: statefulSets, services: allServices, pods: allPods },
  judge({ sets, services, pods }, { scope }) {
    const podsOf = byNamespace(pods.items);
    const servicesOf = byNamespace(services.items);
    const ownOf = ({ name, namespace }: StatefulSet): readonly Pod[] =>
      podsOf(namespace).filter(
        (pod) => isRunning(pod) && pod.owner?.kind === 'StatefulSet' && pod.owner.name === name && hasSidecar(pod),
      );
    const found = (set: StatefulSet): Found => {
      const named = servicesOf(set.namespace).find(({ name }) => name === set.serviceName);
      if (!named) return 'no service';
      if (!named.headless) return 'not headless';
      // Without a selector somebody else writes down who stands behind it.
      const hasSelector = Object.keys(named.selector).length > 0;
      return hasSelector && !ownOf(set).some(({ labels }) => selects(named.selector, labels))
        ? 'selects none'
        : 'by name';
    };
    const headlessFor = (set: StatefulSet): string | undefined =>
      servicesOf(set.namespace).find(
        ({ headless, selector }) => headless && ownOf(set).some(({ labels }) => selects(selector, labels)),
      )?.name;
    const judged = sets.items
      .filter(({ namespace }) => scope.namespace === null || namespace === scope.namespace)
      .filter(({ replicas, serviceName }) => replicas > 1 && serviceName !== '')
      .filter((set) => ownOf(set).length > 0)
      .map((set) => ({ set, how: found(set) }));
    const having = (which: Found): readonly StatefulSet[] =>
      judged.filter(({ how }) => how === which).map(({ set }) => set);
    const get = ({ namespace, name }: StatefulSet): string =>
      shellLine('kubectl', '-n', namespace, 'get', 'statefulset', name, '-o', 'yaml');

    const lost = having('no service');
    if (services.refusal && judged.some(({ how }) => how !== 'by name'))
      return unknown([services.refusal], 'not every Service was seen');
    const [first] = lost;
    if (first)
      return {
        status: 'warn',
        reason: 'HeadlessServiceMissing',
        message: some(lost.map((set) => `${titleOf(set)} names Service ${set.serviceName}, which does not exist`)),
        hint: `${get(first)}   # make Service ${first.serviceName}: clusterIP None, the labels and ports of its pods`,
      };
    const hidden = having('not headless');
    const [other] = hidden;
    if (other)
      return {
        status: 'warn',
        reason: 'ServiceNotHeadless',
        message: some(hidden.map((set) => `${titleOf(set)} names Service ${set.serviceName}, which is not headless`)),
        hint: `${get(other)}   # make it anew with serviceName ${headlessFor(other) ?? 'of a Service with clusterIP None'}`,
      };
    const strange = having('selects none');
    const [another] = strange;
    if (another)
      return {
        status: 'warn',
        reason: 'ServiceSelectsNone',
        message: some(
          strange.map((set) => `${titleOf(set)} names Service ${set.serviceName}, which selects none of its pods`),
        ),
        hint: `${shellLine('kubectl', '-n', another.namespace, 'get', 'service', another.serviceName, '-o', 'wide')}   # give it the labels of the pods of ${shellLine(`statefulset/${another.name}`)}`,
      };
    const unseen = sets.refusal ?? pods.refusal;
    if (unseen) return unknown([unseen]);
    if (judged.length === 0) return skip('no StatefulSet of several pods with a sidecar');
    return {
      status: 'pass',
      message: `${count(judged.length, 'StatefulSet')}: ${some(judged.map(({ set }) => titleOf(set)))}`,
    };
  },
});
