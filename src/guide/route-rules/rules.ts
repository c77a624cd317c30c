import { shellLine } from '../../cluster/shell.ts';
import { defineCheck, type Verdict } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { envoys } from '../../evidence/envoy/asked.ts';
import { fullHost, rulesByService } from '../../evidence/hosts.ts';
import { isAtLeast } from '../../evidence/istio.ts';
import { allPods, byNamespace, selects } from '../../evidence/kubernetes.ts';
import { titleOf } from '../../evidence/named.ts';
import { isRunning } from '../../evidence/pod.ts';
import { isPolling } from '../../evidence/proxies.ts';
import { destinationRules, oldRules } from '../../evidence/routing.ts';
import { isForMesh, rules } from '../../evidence/rules.ts';
import { NO_RULES } from './steps.ts';

export const rulesAreRead = defineCheck({
  id: 'rules-are-read',
  title: 'no rule is of a kind that nobody reads',
  explains:
    'RouteRule, DestinationPolicy and EgressRule are read by the v1 proxies of 0.8 and older (image `proxy`) only: 0.8’s `proxyv2`, and every release since 1.0, takes VirtualService and DestinationRule.',
  reasons: {
    OldRulesIgnored: 'A rule is of a kind that the proxies of this release do not read.',
    OldRulesHalfRead: 'Some proxies are v1 and read a rule of the old kind; the others do not.',
    ReadersUnknown: 'A rule is of the old kind, and no proxy runs that could tell whether it is read.',
  },
  needs: { old: attempt(oldRules), envoys },
  judge({ old, envoys }, { plane }) {
    if ('missing' in old) return unknown([old.missing]);
    const [first] = old.got;
    if (!first) return { status: 'pass', message: 'no RouteRule, DestinationPolicy or EgressRule' };
    const isOld = plane.version !== null && !isAtLeast(plane.version, '1.0');
    const polling = envoys.filter(({ container }) => isPolling(container));
    if (isOld && envoys.length === 0)
      return {
        status: 'unknown',
        reason: 'ReadersUnknown',
        message: `${count(old.got.length, 'rule')} of the old kinds, and no proxy to read them`,
        missing: [],
      };
    if (isOld && polling.length === envoys.length)
      return { status: 'pass', message: `${count(old.got.length, 'rule')} of the old kinds, which v1 proxies read` };
    if (isOld && polling.length > 0)
      return {
        status: 'warn',
        reason: 'OldRulesHalfRead',
        message: `${envoys.length - polling.length} of ${count(envoys.length, 'proxy', 'proxies')} do not read ${some(old.got.map((rule) => `${rule.kind} ${titleOf(rule)}`))}`,
        hint: 'istioctl experimental convert-networking-config   # then apply the VirtualServices that it prints',
      };
    return {
      status: 'fail',
      reason: 'OldRulesIgnored',
      message: `nobody reads ${some(old.got.map((rule) => `${rule.kind} ${titleOf(rule)}`))}`,
      hint: isOld
        ? 'istioctl experimental convert-networking-config   # then apply the VirtualServices that it prints'
        : shellLine(
            'kubectl',
            '-n',
            first.namespace,
            'get',
            `${first.kind === 'DestinationPolicy' ? 'destinationpolicies' : `${first.kind.toLowerCase()}s`}.config.istio.io`,
            first.name,
            '-o',
            'yaml',
          ),
    };
  },
});

export const hostsExist = defineCheck({
  id: 'hosts-exist',
  title: 'rules lead to services that exist',
  explains:
    'Resolves every destination of a VirtualService: a short name is meant in the rule’s own namespace. `istioctl analyze` calls a host that is neither a Service’s nor a ServiceEntry’s IST0101.',
  reasons: {
    HostMissing: 'A rule leads to a host that is no Service and no ServiceEntry (IST0101): requests get 503.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, targets, missing } }) {
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    const lost = targets.filter(({ service, entered }) => service === null && !entered);
    const [first] = lost;
    if (first) {
      if (isSome(missing))
        return unknown(
          missing,
          `${first.host} of VirtualService ${titleOf(first.rule)} was not found among what could be seen`,
        );
      return {
        status: 'fail',
        reason: 'HostMissing',
        message: some([
          ...new Set(
            lost.map(
              ({ rule, host }) =>
                `VirtualService ${titleOf(rule)} leads to ${fullHost(host, rule.namespace)}, which does not exist`,
            ),
          ),
        ]),
        evidence: lost
          .slice(0, 20)
          .map(({ rule, host, port }) => `${titleOf(rule)}: ${host}${port === null ? '' : `:${port}`}`),
        hint: shellLine('kubectl', '-n', first.rule.namespace, 'edit', 'virtualservice', first.rule.name),
      };
    }
    return {
      status: 'pass',
      message: `${count(virtualServices.length, 'VirtualService')}, ${count(targets.length, 'destination')}`,
    };
  },
});

export const oneRulePerHost = defineCheck({
  id: 'one-rule-per-host',
  title: 'no host has two rules',
  explains:
    'Two VirtualServices for the sidecars with the same host: one of them has no effect, or both in part. `istioctl analyze` calls it IST0109. On a waypoint only one applies, and the other’s paths get 404.',
  reasons: { HostTwice: 'Two VirtualServices are for the same host (IST0109): the older one wins.' },
  needs: { rules },
  judge({ rules: { virtualServices, missing } }) {
    const byHost = new Map<string, string[]>();
    for (const rule of virtualServices.filter(isForMesh)) {
      for (const host of rule.hosts) {
        const full = fullHost(host, rule.namespace);
        // Two that are kept to two namespaces never meet.
        const places =
          rule.exportTo.length === 0 || rule.exportTo.includes('*')
            ? ['']
            : rule.exportTo.map((place) => ` in ${place === '.' ? rule.namespace : place}`);
        for (const place of places)
          byHost.set(`${full}${place}`, [...(byHost.get(`${full}${place}`) ?? []), titleOf(rule)]);
      }
    }
    const twice = [...byHost].filter(([, names]) => new Set(names).size > 1);
    const [first] = twice;
    if (first)
      return {
        status: 'fail',
        reason: 'HostTwice',
        message: some(twice.map(([host, names]) => `${host}: ${names.join(' and ')}`)),
        hint: shellLine('kubectl', 'get', 'virtualservices', '--all-namespaces'),
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (virtualServices.length === 0) return skip(NO_RULES);
    return { status: 'pass', message: `${count(byHost.size, 'host')}, each with one rule` };
  },
});

export const subsetsExist = defineCheck({
  id: 'subsets-exist',
  title: 'subsets that rules lead to are defined, and have pods',
  explains:
    'Looks for each subset of a destination in the DestinationRules of its host, and whether its labels select a running pod of the Service. `istioctl analyze` calls the first IST0101, the second IST0173.',
  reasons: {
    SubsetMissing: 'No DestinationRule defines a subset that a rule leads to (IST0101): requests get 503.',
    SubsetEmpty: 'A subset’s labels select no running pod of the Service (IST0173): requests get 503.',
  },
  needs: { rules, policies: attempt(destinationRules), pods: allPods },
  judge({ rules: { targets, missing }, policies, pods }): Verdict {
    const wanted = targets.filter(({ subset, service, entered }) => subset !== null && (service !== null || entered));
    if (wanted.length === 0) return isSome(missing) ? unknown(missing) : skip('no rule leads to a subset');
    if ('missing' in policies) return unknown([policies.missing]);
    const policiesOf = rulesByService(policies.got.items);
    const podsIn = byNamespace(pods.items);
    const found = wanted.map((target) => {
      const { service, subset } = target;
      const full = fullHost(target.host, target.rule.namespace);
      const policiesFor = service
        ? policiesOf(service)
        : policies.got.items.filter((policy) => fullHost(policy.host, policy.namespace) === full);
      const defined = policiesFor.flatMap(({ subsets }) => subsets.filter(({ name }) => name === subset));
      // A node's labels are its own: the pods' do not show them.
      const labels = Object.entries(defined[0]?.labels ?? {}).filter(([name]) => !name.startsWith('topology.'));
      const members = podsIn(service?.namespace ?? '').filter(
        (pod) =>
          service &&
          isRunning(pod) &&
          selects(service.selector, pod.labels) &&
          labels.every(([name, value]) => pod.labels[name] === value),
      );
      const isEmpty = defined.length > 0 && members.length === 0 && Object.keys(service?.selector ?? {}).length > 0;
      return { target, isMissing: defined.length === 0, isEmpty, labels };
    });
    const undefinedSubsets = found.filter(({ isMissing }) => isMissing);
    const [first] = undefinedSubsets;
    const name = ({ target }: (typeof found)[number]): string => `${target.subset} of ${target.host}`;
    if (first) {
      if (policies.got.refusal)
        return unknown([policies.got.refusal], `subset ${name(first)} was not found among what could be seen`);
      return {
        status: 'fail',
        reason: 'SubsetMissing',
        message: `no DestinationRule defines subset ${some([...new Set(undefinedSubsets.map(name))])}`,
        hint: shellLine(
          'kubectl',
          '-n',
          first.target.service?.namespace ?? '',
          'get',
          'destinationrules',
          '-o',
          'yaml',
        ),
      };
    }
    const empty = found.filter(({ isEmpty }) => isEmpty);
    const [hollow] = empty;
    if (hollow) {
      if (pods.refusal) return unknown([pods.refusal], 'not every pod was seen');
      return {
        status: 'fail',
        reason: 'SubsetEmpty',
        message: some([
          ...new Set(
            empty.map(
              (each) =>
                `no running pod of ${name(each)}: ${each.labels.map(([name, value]) => `${name}=${value}`).join(',')}`,
            ),
          ),
        ]),
        hint: shellLine('kubectl', '-n', hollow.target.service?.namespace ?? '', 'get', 'pods', '--show-labels'),
      };
    }
    return { status: 'pass', message: `${some([...new Set(found.map(name))])}` };
  },
});
