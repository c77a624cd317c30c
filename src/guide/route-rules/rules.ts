import { shellLine } from '../../cluster/shell.ts';
import { defineCheck, type Verdict } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { envoys } from '../../evidence/envoy/asked.ts';
import { allPods, byNamespace, selects } from '../../evidence/kubernetes.ts';
import { titleOf } from '../../evidence/named.ts';
import { isRunning } from '../../evidence/pod.ts';
import { isPolling } from '../../evidence/proxies.ts';
import { oldRules } from '../../evidence/routing.ts';
import { rules } from '../../evidence/rules.ts';
import { fullHost } from '../../istio/hosts.ts';
import { isAtLeast } from '../../istio/release.ts';
import { isForMesh } from '../../istio/virtual-services.ts';
import { editRule, NO_RULES } from './steps.ts';

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
    if (!first) return skip('no RouteRule, DestinationPolicy or EgressRule');
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

/** Which callers something is so for; nothing where it is so for all. */
const forCallers = (lost: readonly string[], all: readonly string[]): string =>
  lost.length === all.length ? '' : `, for callers in ${some(lost)}`;

export const hostsExist = defineCheck({
  id: 'hosts-exist',
  title: 'rules lead to services that callers know',
  explains:
    'Resolves every destination of a VirtualService as the proxy of each caller does: a short name is meant in the rule’s own namespace, and a Service or ServiceEntry counts where its exportTo and the caller’s Sidecar object let it through. Without --from every namespace with sidecars that the rule decides for is looked at. `istioctl analyze` calls a host that is neither a Service’s nor a ServiceEntry’s IST0101.',
  reasons: {
    HostMissing:
      'A rule leads to a host that its callers know no Service or ServiceEntry of (IST0101): requests get 503.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, targets, missing } }) {
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    const lost = targets.filter(({ hostless }) => hostless.length > 0);
    const [first] = lost;
    if (first) {
      if (isSome(missing))
        return unknown(
          missing,
          `${first.host} of VirtualService ${titleOf(first.rule)} was not found among what could be seen`,
        );
      const why = ({ service, entered, callers, hostless }: (typeof lost)[number]): string =>
        service || entered ? `is kept from ${some(hostless)}` : `does not exist${forCallers(hostless, callers)}`;
      return {
        status: 'fail',
        reason: 'HostMissing',
        message: some([
          ...new Set(
            lost.map((each) => `VirtualService ${titleOf(each.rule)} leads to ${each.host}, which ${why(each)}`),
          ),
        ]),
        evidence: lost
          .slice(0, 20)
          .map(
            ({ rule, host, port, hostless }) =>
              `${titleOf(rule)}: ${host}${port === null ? '' : `:${port}`}, called from ${some(hostless)}`,
          ),
        hint:
          first.service || first.entered
            ? `${shellLine('kubectl', '-n', first.service?.namespace ?? first.rule.namespace, 'get', 'services,serviceentries,sidecars.networking.istio.io', '-o', 'yaml')}   # look at exportTo, and at the Sidecar's egress`
            : editRule(first.rule),
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
    'Looks for each subset of a destination in the one DestinationRule that each caller’s proxy applies: of its own namespace, else of the Service’s, else of the root namespace, the most specific host whole; and whether its labels select a running pod of the Service. `istioctl analyze` calls the first IST0101, the second IST0173.',
  reasons: {
    SubsetMissing:
      'No DestinationRule that callers apply defines a subset that a rule leads to (IST0101): requests get 503.',
    SubsetEmpty: 'A subset’s labels select no running pod of the Service (IST0173): requests get 503.',
  },
  needs: { rules, pods: allPods },
  judge({ rules: { targets, missing }, pods }): Verdict {
    const wanted = targets.filter(
      ({ subset, callers, hostless }) => subset !== null && hostless.length < callers.length,
    );
    if (wanted.length === 0) return isSome(missing) ? unknown(missing) : skip('no rule leads to a subset');
    const podsIn = byNamespace(pods.items);
    const found = wanted.map((target) => {
      const { service } = target;
      // A node's labels are its own: the pods' do not show them.
      const labels = target.labels.map((each) =>
        Object.entries(each).filter(([name]) => !name.startsWith('topology.')),
      );
      const members = podsIn(service?.namespace ?? '').filter(
        (pod) => service && isRunning(pod) && selects(service.selector, pod.labels),
      );
      const hollow = labels.find(
        (each) => !members.some((pod) => each.every(([name, value]) => pod.labels[name] === value)),
      );
      const isEmpty = hollow !== undefined && Object.keys(service?.selector ?? {}).length > 0;
      return { target, isMissing: target.subsetless.length > 0, isEmpty, labels: hollow ?? [] };
    });
    const undefinedSubsets = found.filter(({ isMissing }) => isMissing);
    const [first] = undefinedSubsets;
    const name = ({ target }: (typeof found)[number]): string => `${target.subset} of ${target.host}`;
    if (first) {
      if (isSome(missing)) return unknown(missing, `subset ${name(first)} was not found among what could be seen`);
      const elsewhere = [...new Set(undefinedSubsets.flatMap(({ target }) => target.elsewhere.map(titleOf)))];
      const whose = ({ target }: (typeof found)[number]): string => forCallers(target.subsetless, target.callers);
      return {
        status: 'fail',
        reason: 'SubsetMissing',
        message: `no DestinationRule that is applied defines subset ${some([...new Set(undefinedSubsets.map((each) => name(each) + whose(each)))])}${elsewhere.length > 0 ? `; ${some(elsewhere)} ${elsewhere.length === 1 ? 'does, and is' : 'do, and are'} not the one` : ''}`,
        evidence: undefinedSubsets
          .slice(0, 20)
          .map(
            ({ target }) =>
              `${titleOf(target.rule)}: ${target.subset} of ${target.host}, called from ${some(target.subsetless)}`,
          ),
        hint: `${shellLine('kubectl', 'get', 'destinationrules', '--all-namespaces', '-o', 'yaml')}   # one is applied: the most specific host of the caller's namespace, else of the service's, else of the root namespace`,
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
