import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type GatewayProxies, gatewayProxies } from '../../evidence/istio/gateways.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { kindsIn, type Place } from '../../istio/gateway-view.ts';
import { kindOf } from '../../istio/gateways.ts';
import { gatewaysOf, type MergedVirtualService } from '../../istio/virtual-services.ts';
import { editRule, NO_GATEWAY, SHOW_GATEWAYS } from './steps.ts';

const KIND_WORDS = { http: 'HTTP', tls: 'TLS', tcp: 'TCP' } as const;

interface Fault {
  reason: 'HostNotServed' | 'KindNotServed' | 'RuleNotExported' | 'MatchElsewhere' | 'ServiceNotServed';
  rule: MergedVirtualService;
  words: string;
}

/** Why not one of a rule's hosts is served where a server takes it; null where it is, or others are in its way. */
function unfit(rule: MergedVirtualService, host: string, places: readonly Place[]): Fault | null {
  const open = places.filter(({ fate }) => fate !== 'left out');
  const [first] = open;
  if (!first || open.some(({ fate }) => fate === 'served' || fate === 'behind')) return null;
  const place = (each: Place): string => `port ${each.server.server.port} of ${each.server.gateway}`;
  const elsewhere = open.find(({ fate }) => fate === 'match');
  if (elsewhere)
    return {
      reason: 'MatchElsewhere',
      rule,
      words: `the matches of VirtualService ${titleOf(rule)} leave out ${place(elsewhere)}, which serves ${host}`,
    };
  const kind = kindOf(first.server.server);
  const takes = kind === null ? 'no rules at all (AUTO_PASSTHROUGH)' : `those for ${KIND_WORDS[kind]}`;
  return {
    reason: 'KindNotServed',
    rule,
    words: `VirtualService ${titleOf(rule)} has rules for ${some([...kindsIn(rule)].map((each) => KIND_WORDS[each]))}, and ${place(first)} takes ${takes}`,
  };
}

/** Whether a host is a Service's name: nobody outside of the cluster asks for it. */
const isOfCluster = (host: string): boolean => /\.svc\./.test(host);

/** What keeps a rule from the Gateways that it names and that exist. */
function faultsOf(rule: MergedVirtualService, all: readonly GatewayProxies[]): readonly Fault[] {
  const has = (name: string) => (proxies: GatewayProxies) =>
    proxies.view.servers.some(({ gateway }) => gateway === name);
  const known = gatewaysOf(rule).filter((name) => all.some(has(name)));
  const told = all.filter(({ pods, view }) => pods.length === 0 || view.rules.includes(rule));
  const hidden = known.filter((name) => !told.some(has(name)));
  const [first] = hidden;
  const seen = known.filter((name) => !hidden.includes(name));
  const faults: Fault[] = [];
  if (first !== undefined) {
    const spaces = new Set(all.filter(has(first)).map(({ namespace }) => namespace));
    const words = `VirtualService ${titleOf(rule)} is not exported to ${some([...spaces])}, where the proxies of Gateway ${first} are`;
    faults.push({ reason: 'RuleNotExported', rule, words });
  }
  const found = rule.hosts.map((host) => ({ host, places: told.flatMap(({ view }) => view.placesOf(rule, host)) }));
  for (const name of seen) {
    if (found.some(({ places }) => places.some(({ server }) => server.gateway === name))) continue;
    const words = `${name} does not serve ${some(rule.hosts)} of VirtualService ${titleOf(rule)}`;
    faults.push({ reason: 'HostNotServed', rule, words });
  }
  // A host that is a Service's, of a rule for the mesh as well, may be meant for the mesh alone.
  const isMeshs = rule.gateways.includes('mesh');
  const isNamed = faults.some(({ reason }) => reason === 'HostNotServed');
  for (const { host, places } of seen.length > 0 ? found : []) {
    if (places.length === 0 && !isMeshs && !isNamed) {
      const words = `${some(seen)} ${seen.length === 1 ? 'does' : 'do'} not serve ${host} of VirtualService ${titleOf(rule)}`;
      const isBeside = isOfCluster(host) && found.some((other) => !isOfCluster(other.host) && other.places.length > 0);
      faults.push({ reason: isBeside ? 'ServiceNotServed' : 'HostNotServed', rule, words });
    }
    const fault = unfit(rule, host, places);
    if (fault) faults.push(fault);
  }
  return faults;
}

export const gatewaysServeHosts = defineCheck({
  id: 'gateways-serve-hosts',
  title: 'gateways serve the hosts of their rules, in their protocol',
  explains:
    'A server of a Gateway takes a rule whose host is among its own (`NAMESPACE/HOST` for the rules of one namespace only), and whose kind is its protocol’s: http where it speaks HTTP or ends TLS for HTTPS, tls where it passes TLS on, tcp for all else. A rule that is kept to namespaces (`exportTo`) has to be exported to that of the Gateway’s proxies. `istioctl analyze` calls a Gateway that serves no host of its rule IST0132.',
  reasons: {
    HostNotServed: 'No server of the Gateway takes a host of the rule (IST0132): requests get 404.',
    ServiceNotServed:
      'A rule for gateways alone has a Service’s name beside hosts that are served: no gateway serves it, and sidecars do not see the rule.',
    KindNotServed: 'The servers that take the host speak another protocol than the rule is for: it has no effect.',
    RuleNotExported:
      'The rule’s exportTo leaves out the namespace of the Gateway’s proxies: they are not told of the rule.',
    MatchElsewhere: 'Every match of the rule is for another port or another Gateway than those that serve its host.',
  },
  needs: { rules, proxies: attempt(gatewayProxies) },
  judge({ rules: { virtualServices, missing }, proxies }) {
    const bound = virtualServices.filter((rule) => gatewaysOf(rule).length > 0);
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in proxies) return unknown([proxies.missing]);
    const faults = bound.flatMap((rule) => faultsOf(rule, proxies.got.items));
    const worst = faults.filter(({ reason }) => reason !== 'ServiceNotServed');
    const told = worst.length > 0 ? worst : faults;
    const [first] = told;
    if (first)
      return {
        status: worst.length > 0 ? 'fail' : 'warn',
        reason: first.reason,
        message: some([...new Set(told.map(({ words }) => words))]),
        hint:
          first.reason !== 'HostNotServed' && first.reason !== 'KindNotServed' ? editRule(first.rule) : SHOW_GATEWAYS,
      };
    if (proxies.got.refusal) return unknown([proxies.got.refusal], 'not every Gateway was seen');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(bound.length, 'rule')} for gateways` };
  },
});
