import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { allPods, byNamespace, selects } from '../../evidence/kubernetes.ts';
import { titleOf } from '../../evidence/named.ts';
import { isRunning } from '../../evidence/pod.ts';
import { rules } from '../../evidence/rules.ts';

export const destinationsHavePods = defineCheck({
  id: 'destinations-have-pods',
  title: 'services that rules lead to have pods',
  explains:
    'A rule sends requests to the pods of the Service that it leads to: where its selector takes no running pod they get 503. A Service without a selector has endpoints of somebody’s own, and is left out; a share of 0 is, too.',
  reasons: {
    DestinationEmpty: 'The selector of a Service that a rule leads to takes no running pod: requests get 503.',
  },
  needs: { rules, pods: allPods },
  judge({ rules: { targets, missing }, pods }) {
    const wanted = targets.filter(
      ({ service }) => service && !service.external && Object.keys(service.selector).length > 0,
    );
    if (wanted.length === 0)
      return isSome(missing) ? unknown(missing) : skip('no rule leads to a Service with a selector');
    const podsIn = byNamespace(pods.items);
    const empty = wanted.filter(
      ({ service }) =>
        service && !podsIn(service.namespace).some((pod) => isRunning(pod) && selects(service.selector, pod.labels)),
    );
    const [first] = empty;
    if (first?.service) {
      if (pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
      return {
        status: 'fail',
        reason: 'DestinationEmpty',
        message: some([
          ...new Set(
            empty.map(({ rule, host }) => `VirtualService ${titleOf(rule)} leads to ${host}, which has no running pod`),
          ),
        ]),
        hint: shellLine('kubectl', '-n', first.service.namespace, 'get', 'pods,deployments', '--show-labels'),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(wanted.length, 'destination')} with pods` };
  },
});
