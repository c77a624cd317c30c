import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type GatewayProxies, gatewayProxies } from '../../evidence/istio/gateways.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { common, type GatewayView, type HostRoute } from '../../istio/gateway-view.ts';
import { hostsFor, type MergedServer, sniHostsOf } from '../../istio/gateways.ts';
import { isSubsetOf, isWildcard } from '../../istio/hosts.ts';
import { isCatchAll, takesAll } from '../../istio/http-rules.ts';
import { gatewaysOf, type MergedVirtualService } from '../../istio/virtual-services.ts';
import { editRule, NO_GATEWAY, SHOW_GATEWAYS } from './steps.ts';

/** A rule for a wildcard, and a host within it that others leave requests over for. */
interface Shadow {
  general: MergedVirtualService;
  host: string;
}

/** Requests for a host go by the routes of that host alone: what those leave over no wildcard's rule takes up (pilot/pkg/networking/core/gateway.go, buildGatewayHTTPRouteConfig). */
function shadowsIn({ hosts }: GatewayView, judged: ReadonlySet<MergedVirtualService>): readonly Shadow[] {
  return [...hosts.values()].flatMap((byHost) =>
    [...byHost]
      .filter(([wide]) => isWildcard(wide))
      .flatMap(([wide, general]) => {
        const partial = new Set(general.map(({ rule }) => rule).filter((rule) => judged.has(rule)));
        const inside = [...byHost].filter(([host]) => host !== wide && isSubsetOf(host, wide));
        return [...partial]
          .filter(({ http }) => http.some(({ matches }) => matches.length > 0 && !matches.some(takesAll)))
          .flatMap((rule) =>
            inside.filter(([, routes]) => isLeftOver(routes, rule)).map(([host]) => ({ general: rule, host })),
          );
      }),
  );
}

/** Whether two rules are for one Gateway: those who bind them to different ones mean them apart. */
const shareGateway = (one: MergedVirtualService, other: MergedVirtualService): boolean =>
  gatewaysOf(one).some((name) => other.gateways.includes(name));

/** Whether rules of the same namespace and Gateway have a host, another rule has no part in it, and some requests are left to nobody. */
const isLeftOver = (routes: readonly HostRoute[], general: MergedVirtualService): boolean =>
  routes.every(({ rule, route }) => rule !== general && !isCatchAll(route)) &&
  routes.some(({ rule }) => rule.namespace === general.namespace && shareGateway(rule, general));

/** Rules for a host of which no request comes to one, since others of the same host take all. */
function behindIn(rule: MergedVirtualService, all: readonly GatewayProxies[]): readonly string[] {
  return rule.hosts.flatMap((host) => {
    const places = all.flatMap(({ view }) => (view.rules.includes(rule) ? view.placesOf(rule, host) : []));
    const [first] = places.filter(({ fate }) => fate === 'behind');
    if (!first || places.some(({ fate }) => fate === 'served')) return [];
    return [
      `VirtualService ${titleOf(rule)} has no effect on ${host}: ${some(first.others.map(titleOf))} takes all of it at ${first.server.gateway}`,
    ];
  });
}

/** A server that is left out, and what keeps it. */
function wordsOf({ gateway, server, leftOut }: MergedServer): string {
  const by = leftOut?.by;
  const why = {
    host: `Gateway ${by?.gateway} has a host of it there`,
    protocol: `Gateway ${by?.gateway} has the port for ${by?.server.protocol}`,
    name: 'its Gateway has another of that port and name',
  }[leftOut?.why ?? 'host'];
  return `port ${server.port} (${server.name}, ${server.protocol}) of Gateway ${gateway} is left out: ${why}`;
}

/** Whether a server is left out for one that redirects all of a rule's host to HTTPS, which is all that it does itself (gateway.go, buildGatewayHTTPRouteConfig). */
const isRedirected = ({ server, leftOut }: MergedServer, rule: MergedVirtualService, host: string): boolean =>
  server.redirects &&
  leftOut?.by.server.redirects === true &&
  common(hostsFor(server, rule.namespace), [host]).every((name) =>
    sniHostsOf(leftOut.by.server).some((theirs) => isSubsetOf(name, theirs)),
  );

/** Servers of a rule's Gateways that are left out, and whether the rule has no other on their port for a host of theirs. */
function leftOutOf(
  rule: MergedVirtualService,
  { view }: GatewayProxies,
): readonly { words: string; isLost: boolean }[] {
  return rule.hosts.flatMap((host) => {
    const places = view.placesOf(rule, host);
    return places
      .filter(({ fate, server }) => fate === 'left out' && !isRedirected(server, rule, host))
      .map(({ server }) => {
        const isElsewhere = places.some((each) => each.fate === 'served' && each.server.listens === server.listens);
        return { words: wordsOf(server), isLost: !isElsewhere };
      });
  });
}

/** Listeners that Envoy refuses, with a server of a rule's Gateways. */
function refusedIn({ view }: GatewayProxies, named: ReadonlySet<string>): readonly string[] {
  return view.clashes
    .filter(({ servers }) => servers.some(({ gateway }) => named.has(gateway)))
    .map(({ name, servers: [one, other] }) => {
      const [first, second] = [one, other].map(({ gateway, server }) => `${gateway} (${server.name})`);
      const what = name === '' ? 'every name' : name;
      const who = first === second ? `${first} twice` : `${first} and ${second}`;
      return `Envoy refuses port ${one.server.port} whole: ${what} is for ${who}`;
    });
}

export const gatewayHostsApart = defineCheck({
  id: 'gateway-hosts-apart',
  title: 'no rule or Gateway stands in the way of another',
  explains:
    'At a gateway a request goes by the rules of the most specific host alone. Rules for `*` or `*.example.com` are not asked once another VirtualService names the host: what that one leaves over gets 404. Of several rules for one host the oldest that takes every request has the rest. Gateways of the same pods share their ports: plain HTTP is merged, of all else the oldest Gateway has the port, or for TLS the host; `istioctl analyze` calls two with one host on one port IST0145, also where they are merged.',
  reasons: {
    PortRefused:
      'Two servers have one name for TLS on one port (in two namespaces, or one for every name beside a plain one): Istio sends both, and Envoy refuses the port.',
    HostShadowed: 'Another VirtualService names a host within a rule’s wildcard: the rule has no effect on that host.',
    RuleBehind: 'At the same gateway an older rule for the same host takes every request: this one has no effect.',
    ServerLeftOut: 'Another Gateway of the same pods has the port or the host (IST0145): the rule is not served there.',
    GatewayTwice:
      'Two Gateways of the same pods are in each other’s way (IST0145), and the rule is served by the first.',
  },
  needs: { rules, proxies: attempt(gatewayProxies) },
  judge({ rules: { virtualServices, missing }, proxies }) {
    const bound = virtualServices.filter((rule) => gatewaysOf(rule).length > 0);
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in proxies) return unknown([proxies.missing]);
    const all = proxies.got.items;
    const refused = all.flatMap((each) => refusedIn(each, new Set(bound.flatMap(gatewaysOf))));
    if (refused.length > 0)
      return { status: 'fail', reason: 'PortRefused', message: some([...new Set(refused)]), hint: SHOW_GATEWAYS };
    const judged = new Set(bound);
    const shadows = all.flatMap(({ view }) => shadowsIn(view, judged));
    const [shadow] = shadows;
    if (shadow)
      return {
        status: 'fail',
        reason: 'HostShadowed',
        message: some([
          ...new Set(
            shadows.map(
              ({ general, host }) =>
                `VirtualService ${titleOf(general)} is not asked for ${host}, which another VirtualService names`,
            ),
          ),
        ]),
        hint: `${editRule(shadow.general)}   # name ${shadow.host} among its hosts too`,
      };
    const behind = bound.flatMap((rule) => behindIn(rule, all));
    if (behind.length > 0)
      return {
        status: 'fail',
        reason: 'RuleBehind',
        message: some(behind),
        hint: 'kubectl get virtualservices --all-namespaces',
      };
    const leftOut = bound.flatMap((rule) => all.flatMap((each) => leftOutOf(rule, each)));
    const lost = leftOut.filter(({ isLost }) => isLost);
    const [one] = lost.length > 0 ? lost : leftOut;
    if (one)
      return {
        status: one.isLost ? 'fail' : 'warn',
        reason: one.isLost ? 'ServerLeftOut' : 'GatewayTwice',
        message: some([...new Set((lost.length > 0 ? lost : leftOut).map(({ words }) => words))]),
        hint: SHOW_GATEWAYS,
      };
    if (proxies.got.refusal) return unknown([proxies.got.refusal], 'not every Gateway was seen');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(bound.length, 'rule')} for gateways, none in another’s way` };
  },
});
