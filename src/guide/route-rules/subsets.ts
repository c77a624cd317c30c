import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../diagnosis/check.ts';
import { isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { rules } from '../../evidence/istio/rules.ts';
import type { Target } from '../../evidence/istio/targets.ts';
import { allPods, byNamespace, selects } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning, type Pod } from '../../evidence/kubernetes/pod.ts';
import { isServing } from './endpoints.ts';
import { forCallers } from './steps.ts';

export const subsetsExist = defineCheck({
  id: 'subsets-exist',
  title: 'subsets that rules lead to are defined, and have pods',
  explains:
    'Looks for each subset of a destination in the one DestinationRule that each caller’s proxy applies: of its own namespace, else of the Service’s, else of the root namespace, the most specific host whole; and whether its labels select a running pod of the Service that is ready, or where a ServiceEntry’s endpoints are found by DNS one of those. Pods of a mesh’s other clusters, and WorkloadEntries, are not seen. `istioctl analyze` calls the first IST0101, the second IST0173.',
  reasons: {
    SubsetMissing:
      'No DestinationRule that callers apply defines a subset that a rule leads to (IST0101): requests get 503.',
    SubsetEmpty: 'A subset’s labels select no running pod or endpoint of the service (IST0173): requests get 503.',
    SubsetUnready: 'Of the pods that a subset’s labels select none is ready: requests get 503.',
  },
  needs: { rules, pods: allPods },
  judge({ rules: { targets, missing }, pods }): Verdict {
    const wanted = targets.filter(
      ({ subset, callers, lacking }) =>
        subset !== null && new Set([...lacking.host, ...lacking.port]).size < callers.length,
    );
    if (wanted.length === 0) return isSome(missing) ? unknown(missing) : skip('no rule leads to a subset');
    const podsIn = byNamespace(pods.items);
    const name = (target: Target): string => `${target.subset} of ${target.host}`;
    const absent = wanted.filter(({ lacking }) => lacking.subset.length > 0);
    const [first] = absent;
    if (first) {
      if (isSome(missing)) return unknown(missing, `subset ${name(first)} was not found among what could be seen`);
      const elsewhere = [...new Set(absent.flatMap((target) => target.elsewhere.map(titleOf)))];
      const whose = ({ lacking, callers }: Target): string => forCallers(lacking.subset, callers);
      return {
        status: 'fail',
        reason: 'SubsetMissing',
        message: `no DestinationRule that is applied defines subset ${some([...new Set(absent.map((each) => name(each) + whose(each)))])}${elsewhere.length > 0 ? `; ${some(elsewhere)} ${elsewhere.length === 1 ? 'does, and is' : 'do, and are'} not the one` : ''}`,
        evidence: absent
          .slice(0, 20)
          .map(
            (target) =>
              `${titleOf(target.rule)}: ${target.subset} of ${target.host}, called from ${some(target.lacking.subset)}`,
          ),
        hint: `${shellLine('kubectl', 'get', 'destinationrules', '--all-namespaces', '-o', 'yaml')}   # one is applied: the most specific host of the caller's namespace, else of the service's, else of the root namespace`,
      };
    }
    const found = wanted.map((target) => {
      const { service } = target;
      // A node's labels are its own: the pods' do not show them.
      const labels = target.labels.map((each) =>
        Object.entries(each).filter(([name]) => !name.startsWith('topology.')),
      );
      const members = podsIn(service?.namespace ?? '').filter(
        (pod) => service && isRunning(pod) && selects(service.selector, pod.labels),
      );
      const hollowOf = (among: readonly Pod[]) =>
        labels.find((each) => !among.some((pod) => each.every(([name, value]) => pod.labels[name] === value)));
      const hollow = hollowOf(members);
      const unready = hollowOf(members.filter((pod) => service && isServing(service, pod)));
      const isChosen = Object.keys(service?.selector ?? {}).length > 0;
      return {
        target,
        isHollow: isChosen && hollow !== undefined,
        isUnready: isChosen && unready !== undefined,
        labels: hollow ?? unready ?? labels[0] ?? [],
      };
    });
    const empty = found.filter(({ target, isHollow }) => isHollow || target.lacking.endpoint.length > 0);
    const unready = found.filter(({ isUnready }) => isUnready);
    const [hollow] = empty.length > 0 ? empty : unready;
    if (hollow) {
      const { service, entered } = hollow.target;
      if (hollow.isUnready && pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
      const words = ({ target, isHollow, isUnready, labels }: (typeof found)[number]): string => {
        const what = !isUnready ? 'endpoint' : isHollow ? 'running pod' : 'ready pod';
        return `no ${what} of ${name(target)}: ${labels.map(([name, value]) => `${name}=${value}`).join(',')}`;
      };
      return {
        status: 'fail',
        reason: empty.length > 0 ? 'SubsetEmpty' : 'SubsetUnready',
        message: some([...new Set((empty.length > 0 ? empty : unready).map(words))]),
        hint:
          entered && !service
            ? shellLine('kubectl', 'get', 'serviceentries', '--all-namespaces', '-o', 'yaml')
            : shellLine('kubectl', '-n', service?.namespace ?? '', 'get', 'pods', '--show-labels'),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${some([...new Set(wanted.map(name))])}` };
  },
});
