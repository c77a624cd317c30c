import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { allPods, byNamespace, selects } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning, type Pod } from '../../evidence/kubernetes/pod.ts';
import type { Service } from '../../evidence/kubernetes/service.ts';

/** Whether requests to a Service come to a pod of its that runs. */
export const isServing = ({ takesUnready }: Service, pod: Pod): boolean => pod.ready || takesUnready;

/** What a Service lacks that requests could come to: a pod that runs, or one that is ready; null where it has one. */
function lackOf(service: Service, pods: readonly Pod[]): 'running' | 'ready' | null {
  const own = pods.filter((pod) => isRunning(pod) && selects(service.selector, pod.labels));
  if (own.length === 0) return 'running';
  return own.some((pod) => isServing(service, pod)) ? null : 'ready';
}

export const destinationsHavePods = defineCheck({
  id: 'destinations-have-pods',
  title: 'services that rules lead to have pods',
  explains:
    'A rule sends requests to the pods of the Service that it leads to: where its selector takes no running pod, or none that is ready, they get 503 (with publishNotReadyAddresses a running one will do). A Service without a selector has endpoints of somebody’s own, and is left out; a share of 0 is, too. Pods of a mesh’s other clusters, and WorkloadEntries, are not seen.',
  reasons: {
    DestinationEmpty: 'The selector of a Service that a rule leads to takes no running pod: requests get 503.',
    DestinationUnready: 'Of the pods of a Service that a rule leads to none is ready: requests get 503.',
  },
  needs: { rules, pods: allPods },
  judge({ rules: { targets, missing }, pods }) {
    const wanted = targets.flatMap(({ rule, host, service }) =>
      service && !service.external && Object.keys(service.selector).length > 0 ? [{ rule, host, service }] : [],
    );
    if (wanted.length === 0)
      return isSome(missing) ? unknown(missing) : skip('no rule leads to a Service with a selector');
    const podsIn = byNamespace(pods.items);
    const services = [...new Set(wanted.map(({ service }) => service))];
    const lacks = new Map(services.map((service) => [service, lackOf(service, podsIn(service.namespace))]));
    for (const [lack, reason] of [
      ['running', 'DestinationEmpty'],
      ['ready', 'DestinationUnready'],
    ] as const) {
      const empty = wanted.filter(({ service }) => lacks.get(service) === lack);
      const [first] = empty;
      if (!first) continue;
      if (pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
      return {
        status: 'fail',
        reason,
        message: some([
          ...new Set(
            empty.map(({ rule, host }) => `VirtualService ${titleOf(rule)} leads to ${host}, which has no ${lack} pod`),
          ),
        ]),
        hint: shellLine('kubectl', '-n', first.service.namespace, 'get', 'pods,deployments', '--show-labels'),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(wanted.length, 'destination')} with pods` };
  },
});
