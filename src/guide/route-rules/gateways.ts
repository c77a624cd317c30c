import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type SelectedGateway, selectedGateways } from '../../evidence/gateways.ts';
import { titleOf } from '../../evidence/named.ts';
import { rules } from '../../evidence/rules.ts';
import { type GatewayServer, kindOf, type RuleKind, serves } from '../../istio/gateways.ts';
import { isSubsetOf, isWildcard } from '../../istio/hosts.ts';
import { takesAll } from '../../istio/http-rules.ts';
import type { MergedVirtualService } from '../../istio/virtual-services.ts';
import { editRule } from './steps.ts';

const NO_GATEWAY = 'no VirtualService is for a gateway';

const named = ({ gateways }: MergedVirtualService): readonly string[] => gateways.filter((each) => each !== 'mesh');

export const gatewaysExist = defineCheck({
  id: 'gateways-exist',
  title: 'gateways that rules name exist, and have a proxy',
  explains:
    'A Gateway is named by NAMESPACE/NAME; a name alone is one of the rule’s own namespace. Its selector chooses the pods of a gateway, in any namespace. `istioctl analyze` calls a missing one IST0101, one that selects no pod IST0101 too.',
  reasons: {
    GatewayMissing: 'A rule is for a Gateway that does not exist (IST0101): nothing that comes in reaches it.',
    GatewayWithoutPods: 'The selector of a Gateway takes no running pod: nobody opens its ports.',
  },
  needs: { rules, gateways: attempt(selectedGateways) },
  judge({ rules: { virtualServices, missing }, gateways }) {
    const bound = virtualServices.filter((rule) => named(rule).length > 0);
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in gateways) return unknown([gateways.missing]);
    const { items, refusal } = gateways.got;
    const byName = new Map(items.map((each) => [titleOf(each.gateway), each]));
    const absent = bound.flatMap((rule) =>
      named(rule)
        .filter((name) => !byName.has(name))
        .map((name) => ({ rule, name })),
    );
    const [gone] = absent;
    if (gone) {
      if (refusal) return unknown([refusal], `Gateway ${gone.name} was not found among what could be seen`);
      const others = items.filter(({ gateway }) => absent.some(({ name }) => name.split('/', 2)[1] === gateway.name));
      const instead = others.length > 0 ? `; there is ${some(others.map(({ gateway }) => titleOf(gateway)))}` : '';
      return {
        status: 'fail',
        reason: 'GatewayMissing',
        message: `${some([...new Set(absent.map(({ rule, name }) => `VirtualService ${titleOf(rule)} is for Gateway ${name}, which does not exist`))])}${instead}`,
        hint: `${editRule(gone.rule)}   # name it as NAMESPACE/NAME`,
      };
    }
    const used = [...new Set(bound.flatMap((rule) => named(rule).flatMap((name) => byName.get(name) ?? [])))];
    const empty = used.filter(({ pods }) => pods.length === 0);
    const [idle] = empty;
    if (idle) {
      if (refusal) return unknown([refusal], 'not every pod was seen');
      const labels = ({ gateway }: SelectedGateway): string =>
        Object.entries(gateway.selector)
          .map(([name, value]) => `${name}=${value}`)
          .join(',');
      return {
        status: 'fail',
        reason: 'GatewayWithoutPods',
        message: some(
          empty.map((each) => `no running gateway has the labels of Gateway ${titleOf(each.gateway)}: ${labels(each)}`),
        ),
        hint: shellLine('kubectl', 'get', 'pods', '--all-namespaces', '-l', labels(idle)),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return {
      status: 'pass',
      message: `${count(used.length, 'Gateway')}: ${some(used.map(({ gateway }) => titleOf(gateway)))}`,
    };
  },
});

/** What kinds of rules a VirtualService has; where it leads tells nothing of TCP and TLS apart. */
const kindsIn = ({ http, other }: MergedVirtualService): readonly RuleKind[] => [
  ...(http.length > 0 ? (['http'] as const) : []),
  ...(other.length > 0 ? (['tls', 'tcp'] as const) : []),
];

const KIND_WORDS: Readonly<Record<RuleKind, string>> = { http: 'HTTP', tls: 'TLS', tcp: 'TCP' };

export const gatewaysServeHosts = defineCheck({
  id: 'gateways-serve-hosts',
  title: 'gateways serve the hosts of their rules, in their protocol',
  explains:
    'A server of a Gateway takes a rule whose host is among its own (`NAMESPACE/HOST` for the rules of one namespace only), and whose kind is its protocol’s: http where it speaks HTTP or ends TLS for HTTPS, tls where it passes TLS on, tcp for all else. `istioctl analyze` calls a host that none serves IST0132.',
  reasons: {
    HostNotServed: 'No server of the Gateway takes a host of the rule (IST0132): requests get 404.',
    KindNotServed: 'The servers that take the host speak another protocol than the rule is for: it has no effect.',
  },
  needs: { rules, gateways: attempt(selectedGateways) },
  judge({ rules: { virtualServices, missing }, gateways }) {
    const bound = virtualServices.filter((rule) => named(rule).length > 0);
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in gateways) return unknown([gateways.missing]);
    const byName = new Map(gateways.got.items.map(({ gateway }) => [titleOf(gateway), gateway]));
    const unserved: string[] = [];
    const mismatched: string[] = [];
    const faulty: MergedVirtualService[] = [];
    for (const rule of bound) {
      const known = named(rule).flatMap((name) => byName.get(name) ?? []);
      for (const host of known.length > 0 ? rule.hosts : []) {
        const servers = known.flatMap((gateway) =>
          gateway.servers.filter((server) => serves(server, gateway, rule, host)),
        );
        // A host that is a Service's, of a rule for the mesh as well, may be meant for the mesh alone.
        const isMeshs = rule.gateways.includes('mesh') && rule.hosts.length > 1;
        if (servers.length === 0 && !isMeshs) {
          unserved.push(`${some(known.map(titleOf))} does not serve ${host} of VirtualService ${titleOf(rule)}`);
          faulty.push(rule);
        } else if (servers.length > 0 && !servers.some((server) => fits(server, rule))) {
          const [server] = servers;
          mismatched.push(
            `VirtualService ${titleOf(rule)} has rules for ${some(kindsIn(rule).map((kind) => KIND_WORDS[kind]))}, and port ${server?.port} of ${some(known.map(titleOf))} takes those for ${KIND_WORDS[server ? kindOf(server) : 'tcp']}`,
          );
          faulty.push(rule);
        }
      }
    }
    const [first] = faulty;
    if (first)
      return {
        status: 'fail',
        reason: unserved.length > 0 ? 'HostNotServed' : 'KindNotServed',
        message: some([...new Set([...unserved, ...mismatched])]),
        hint: shellLine('kubectl', 'get', 'gateways.networking.istio.io', '--all-namespaces', '-o', 'yaml'),
      };
    if (gateways.got.refusal) return unknown([gateways.got.refusal], 'not every Gateway was seen');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(bound.length, 'rule')} for gateways` };
  },
});

const fits = (server: GatewayServer, rule: MergedVirtualService): boolean => kindsIn(rule).includes(kindOf(server));

/** A rule for a wildcard, and one for a host within it at the same gateway that leaves requests over. */
interface Shadow {
  general: MergedVirtualService;
  host: string;
}

/** Requests for a host go to the rules that name it alone: what those leave over no wildcard's rule takes up (gateway.go, buildGatewayHTTPRouteConfig). */
function shadowsIn(rules: readonly MergedVirtualService[]): readonly Shadow[] {
  const ofHttp = rules.filter(({ http }) => http.length > 0);
  return ofHttp.flatMap((general) =>
    general.hosts.filter(isWildcard).flatMap((wildcard) => {
      const inside = ofHttp.filter(
        (rule) =>
          rule !== general &&
          rule.namespace === general.namespace &&
          named(rule).some((gateway) => general.gateways.includes(gateway)),
      );
      const hosts = new Set(
        inside.flatMap(({ hosts }) => hosts).filter((host) => host !== wildcard && isSubsetOf(host, wildcard)),
      );
      return [...hosts].flatMap((host) => {
        const specific = inside.filter(({ hosts }) => hosts.includes(host)).flatMap(({ http }) => http);
        const isWhole = specific.some(({ matches }) => matches.length === 0 || matches.some(takesAll));
        const adds = general.http.some(({ matches }) => matches.length > 0 && !matches.some(takesAll));
        return !isWhole && adds ? [{ general, host }] : [];
      });
    }),
  );
}

export const gatewayHostsApart = defineCheck({
  id: 'gateway-hosts-apart',
  title: 'no rule for a wildcard is shadowed by one for a host',
  explains:
    'At a gateway a request goes by the rules of the most specific host alone. Rules for `*` or `*.example.com` are not asked once another VirtualService names the host: what that one leaves over gets 404. Two Gateways of the same pods that serve one host on one port are told too: `istioctl analyze` calls it IST0145.',
  reasons: {
    HostShadowed: 'Another VirtualService names a host within a rule’s wildcard: the rule has no effect on that host.',
    GatewayTwice: 'Two Gateways of the same pods serve one host on one port (IST0145): one of them is left out.',
  },
  needs: { rules, gateways: attempt(selectedGateways) },
  judge({ rules: { virtualServices, missing }, gateways }) {
    const bound = virtualServices.filter((rule) => named(rule).length > 0);
    const shadows = shadowsIn(bound);
    const [first] = shadows;
    if (first)
      return {
        status: 'fail',
        reason: 'HostShadowed',
        message: some(
          shadows.map(
            ({ general, host }) =>
              `VirtualService ${titleOf(general)} is not asked for ${host}, which another VirtualService names`,
          ),
        ),
        hint: `${editRule(first.general)}   # name ${first.host} among its hosts too`,
      };
    if (bound.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_GATEWAY);
    if ('missing' in gateways) return unknown([gateways.missing]);
    const twice = conflictsIn(gateways.got.items, new Set(bound.flatMap(named)));
    if (twice.length > 0)
      return {
        status: 'warn',
        reason: 'GatewayTwice',
        message: some(twice),
        hint: shellLine('kubectl', 'get', 'gateways.networking.istio.io', '--all-namespaces', '-o', 'yaml'),
      };
    if (gateways.got.refusal) return unknown([gateways.got.refusal], 'not every Gateway was seen');
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(bound.length, 'rule')} for gateways, none shadowed` };
  },
});

/** Gateways that rules name, of the same pods, with one host on one port. */
function conflictsIn(all: readonly SelectedGateway[], used: ReadonlySet<string>): readonly string[] {
  const taken = new Map<string, string>();
  const found: string[] = [];
  for (const { gateway, pods } of all.filter((each) => used.has(titleOf(each.gateway)))) {
    for (const server of gateway.servers) {
      for (const host of server.hosts) {
        for (const pod of pods) {
          const place = `${titleOf(pod)} ${server.port} ${host}`;
          const other = taken.get(place);
          if (other !== undefined && other !== titleOf(gateway))
            found.push(`Gateways ${other} and ${titleOf(gateway)} both serve ${host} on port ${server.port}`);
          taken.set(place, titleOf(gateway));
        }
      }
    }
  }
  return [...new Set(found)];
}
