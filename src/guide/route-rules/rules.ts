import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { envoys } from '../../evidence/envoy/asked.ts';
import { isPolling } from '../../evidence/istio/proxies.ts';
import { oldRules } from '../../evidence/istio/routing.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isAtLeast } from '../../istio/release.ts';
import { isForMesh } from '../../istio/virtual-services.ts';
import { editRule, forCallers, NO_RULES } from './steps.ts';

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
    const lost = targets.filter(({ lacking }) => lacking.host.length > 0);
    const [first] = lost;
    if (first) {
      if (isSome(missing))
        return unknown(
          missing,
          `${first.host} of VirtualService ${titleOf(first.rule)} was not found among what could be seen`,
        );
      const why = ({ service, entered, callers, lacking }: (typeof lost)[number]): string =>
        service || entered
          ? `is kept from ${some(lacking.host)}`
          : `does not exist${forCallers(lacking.host, callers)}`;
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
            ({ rule, host, port, lacking }) =>
              `${titleOf(rule)}: ${host}${port === null ? '' : `:${port}`}, called from ${some(lacking.host)}`,
          ),
        hint:
          first.service || first.entered
            ? `${shellLine('kubectl', '-n', first.service?.namespace ?? first.rule.namespace, 'get', 'services,serviceentries,sidecars.networking.istio.io', '-o', 'yaml')}   # look at exportTo, and at the Sidecar's egress`
            : editRule(first.rule),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (targets.length === 0) return skip('no rule leads to a host');
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
    'Two VirtualServices for the sidecars with the same host, both told to one caller: one of them has no effect, or both in part. `istioctl analyze` calls it IST0109. On a waypoint only one applies, and the other’s paths get 404.',
  reasons: {
    HostTwice:
      'Two VirtualServices are for the same host (IST0109): of those that are exported to their own namespace or to some alone, and then of all, the oldest wins.',
  },
  needs: { rules },
  judge({ rules: { virtualServices, rivals, missing } }) {
    const [first] = rivals;
    if (first)
      return {
        status: 'fail',
        reason: 'HostTwice',
        message: some(
          rivals.map(({ host, rules: [winner, ...others], http }) => {
            const verb = http ? 'wins over' : 'is asked before';
            return `${host}: ${winner ? titleOf(winner) : ''} ${verb} ${some(others.map(titleOf))}`;
          }),
        ),
        hint: shellLine('kubectl', 'get', 'virtualservices', '--all-namespaces'),
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (virtualServices.length === 0) return skip(NO_RULES);
    const hosts = new Set(virtualServices.filter(isForMesh).flatMap(({ hosts }) => hosts));
    if (hosts.size === 0) return skip('no VirtualService is for sidecars');
    return { status: 'pass', message: `${count(hosts.size, 'host')}, each with one rule` };
  },
});
