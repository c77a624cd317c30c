import type { Envoy } from '../../src/evidence/envoy/asked.ts';
import type { Configuration } from '../../src/evidence/envoy/dump.ts';
import type { ProxyLog } from '../../src/evidence/envoy/logs.ts';
import type { Calls } from '../../src/evidence/istio/calls.ts';
import type {
  ApiGateway,
  Condition,
  GatewayRoute,
  RouteParent,
  Waypoint,
} from '../../src/evidence/istio/gateway-api.ts';
import type { GatewayProxies, SelectedGateway } from '../../src/evidence/istio/gateways.ts';
import type { Rules } from '../../src/evidence/istio/rules.ts';
import type { Target } from '../../src/evidence/istio/targets.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import type { Service } from '../../src/evidence/kubernetes/service.ts';
import { apiGatewaysProgrammed } from '../../src/guide/route-rules/api-gateways.ts';
import { rulesArrived } from '../../src/guide/route-rules/arrived.ts';
import { callerIsInMesh, callerSeesRules, rulesAreForMesh } from '../../src/guide/route-rules/callers.ts';
import { destinationPortsExist } from '../../src/guide/route-rules/destination-ports.ts';
import { rulesLeadSomewhere } from '../../src/guide/route-rules/destinations.ts';
import { destinationsHavePods } from '../../src/guide/route-rules/endpoints.ts';
import { gatewayHostsApart } from '../../src/guide/route-rules/gateway-conflicts.ts';
import { gatewaysServeHosts } from '../../src/guide/route-rules/gateway-hosts.ts';
import { gatewaysExist } from '../../src/guide/route-rules/gateways.ts';
import {
  containerPortsListed,
  nobodyIsTheProxy,
  podsAreLabelled,
  podsBelongToServices,
} from '../../src/guide/route-rules/pods.ts';
import { portsSpeakHttp } from '../../src/guide/route-rules/ports.ts';
import { delegatesApply, rulesAreReached } from '../../src/guide/route-rules/reach.ts';
import { proxiesTakeRules } from '../../src/guide/route-rules/refused.ts';
import { httpRoutesAccepted } from '../../src/guide/route-rules/routes.ts';
import { hostsExist, oneRulePerHost, rulesAreRead } from '../../src/guide/route-rules/rules.ts';
import { subsetsExist } from '../../src/guide/route-rules/subsets.ts';
import { waypointsServeRules } from '../../src/guide/route-rules/waypoints.ts';
import { indexDestinationRules } from '../../src/istio/destination-rules.ts';
import { gatewayViewOf } from '../../src/istio/gateway-view.ts';
import type { GatewayServer } from '../../src/istio/gateways.ts';
import type { ReferenceGrant } from '../../src/istio/grants.ts';
import { fullHost } from '../../src/istio/hosts.ts';
import type { Destination, HttpRule } from '../../src/istio/http-rules.ts';
import { registryOf } from '../../src/istio/services.ts';
import type { Sidecar } from '../../src/istio/sidecars.ts';
import type { StreamMatch } from '../../src/istio/streams.ts';
import type { DelegateFault, MergedVirtualService } from '../../src/istio/virtual-services.ts';
import { dump, envoy, silent, told } from '../support/envoys.ts';
import { judging, NOW } from '../support/judging.ts';
import { container, listed, missing, partly, port, service, workloadPod } from '../support/mixer.ts';

const destination = (host: string, subset: string | null = null, number: number | null = null): Destination => ({
  host: fullHost(host, 'bookinfo'),
  subset,
  port: number,
});
const to = (...hosts: readonly (string | Destination)[]): HttpRule => ({
  name: '',
  matches: [],
  destinations: hosts.map((each) => (typeof each === 'string' ? destination(each) : each)),
  shares: hosts.map(() => null),
  answers: false,
  delegate: null,
});
const rule = (change: Partial<MergedVirtualService> = {}): MergedVirtualService => ({
  name: 'reviews',
  namespace: 'bookinfo',
  createdAt: 0,
  hosts: ['reviews.bookinfo.svc.cluster.local'],
  gateways: [],
  exportTo: [],
  http: [to('reviews')],
  other: [],
  faults: [],
  delegates: [],
  ...change,
});
const reviews = service('reviews', { ports: [port('http', 9080)] });
const NOTHING: Target['lacking'] = { host: [], port: [], subset: [], endpoint: [] };
const target = (
  of: MergedVirtualService,
  to: Destination,
  found: Service | null,
  change: Partial<Target> = {},
): Target => ({
  ...to,
  rule: of,
  http: true,
  service: found,
  entered: false,
  callers: ['bookinfo'],
  lacking: { ...NOTHING, host: found === null && !change.entered ? ['bookinfo'] : [] },
  astray: [],
  labels: [],
  elsewhere: [],
  ...change,
});
const rules = (change: Partial<Rules> = {}): { rules: Rules } => ({
  rules: {
    virtualServices: [rule()],
    targets: [target(rule(), destination('reviews'), reviews)],
    services: [reviews],
    hosted: new Set(['bookinfo/reviews']),
    routes: [],
    unreached: [],
    rivals: [],
    uncalled: [],
    missing: [],
    ...change,
  },
});
/** The same rules as Istio looks them up, below Sidecars. */
const lookedUp = (rules: Rules, ...sidecars: readonly Sidecar[]): { rules: Rules; calls: Calls } => ({
  rules,
  calls: {
    routing: {
      root: 'istio-system',
      registry: registryOf([
        {
          name: 'reviews',
          namespace: 'bookinfo',
          host: 'reviews.bookinfo.svc.cluster.local',
          exportTo: [],
          createdAt: 0,
          ports: [9080],
          http: [9080],
          kind: 'Service',
          endpoints: null,
        },
      ]),
      destinationRules: indexDestinationRules([], { root: 'istio-system', exportTo: [] }),
      virtualServices: rules.virtualServices,
      sidecars,
    },
    destinationRules: [],
    missing: rules.missing,
  },
});
const seen = (change: Partial<Rules> = {}, ...sidecars: readonly Sidecar[]) =>
  lookedUp(rules(change).rules, ...sidecars);
const NONE: Partial<Rules> = { virtualServices: [], targets: [], services: [] };
const modern = { version: '1.31.0' };

const old = { kind: 'RouteRule', name: 'r', namespace: 'bookinfo' } as const;
const v1: Envoy = { ...envoy(), container: container('istio-proxy', 'docker.io/istio/proxy:0.8.0') };
judging(
  rulesAreRead,
  [
    { when: 'none is old', given: { old: { got: [] } }, status: 'skip', says: /no RouteRule/ },
    {
      when: 'one is, since 1.0',
      given: { old: { got: [old] } },
      status: 'fail',
      reason: 'OldRulesIgnored',
      says: /nobody reads RouteRule bookinfo\/r/,
    },
    {
      when: 'one is, and proxies are v2',
      given: { old: { got: [old] } },
      status: 'fail',
      reason: 'OldRulesIgnored',
      says: /RouteRule/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'one is, and proxies are v1',
      given: { old: { got: [old] }, envoys: [v1] },
      status: 'pass',
      says: /which v1 proxies read/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'some proxies are v1',
      given: { old: { got: [old] }, envoys: [v1, envoy()] },
      status: 'warn',
      reason: 'OldRulesHalfRead',
      says: /1 of 2 proxies do not read/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'there is no proxy',
      given: { old: { got: [old] }, envoys: [] },
      status: 'unknown',
      reason: 'ReadersUnknown',
      says: /no proxy to read/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'they cannot be seen',
      given: { old: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { envoys: [envoy()] },
);

judging(hostsExist, [
  { when: 'they do', given: rules(), status: 'pass', says: /1 VirtualService, 1 destination/ },
  {
    when: 'one does not',
    given: rules({ targets: [target(rule(), destination('review'), null)] }),
    status: 'fail',
    reason: 'HostMissing',
    says: /VirtualService bookinfo\/reviews leads to review.bookinfo.svc.cluster.local, which does not exist/,
  },
  {
    when: 'a ServiceEntry has it',
    given: rules({ targets: [target(rule(), destination('a.example.com'), null, { entered: true })] }),
    status: 'pass',
    says: /1 destination/,
  },
  {
    when: 'one was not found and not all was seen',
    given: rules({ targets: [target(rule(), destination('review'), null)], missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /among what could be seen/,
  },
  {
    when: 'they do, and not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every rule/,
  },
  { when: 'none leads anywhere', given: rules({ targets: [] }), status: 'skip', says: /no rule leads to a host/ },
  { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
  {
    when: 'no rule could be seen',
    given: rules({ ...NONE, missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
]);

const reviewsPod = workloadPod('reviews-1', true, { labels: { app: 'reviews' } });
judging(
  destinationsHavePods,
  [
    { when: 'they do', given: rules(), status: 'pass', says: /1 destination with pods/ },
    {
      when: 'one has none',
      given: { ...rules(), pods: listed(workloadPod('other-1', true, { labels: { app: 'other' } })) },
      status: 'fail',
      reason: 'DestinationEmpty',
      says: /leads to reviews.bookinfo.svc.cluster.local, which has no running pod/,
    },
    {
      when: 'its only pod has ended',
      given: { ...rules(), pods: listed({ ...reviewsPod, phase: 'Succeeded' }) },
      status: 'fail',
      reason: 'DestinationEmpty',
      says: /no running pod/,
    },
    {
      when: 'its only pod is not ready',
      given: { ...rules(), pods: listed({ ...reviewsPod, ready: false }) },
      status: 'fail',
      reason: 'DestinationUnready',
      says: /no ready pod/,
    },
    {
      when: 'its only pod is not ready, and need not be',
      given: {
        ...rules({ targets: [target(rule(), destination('reviews'), { ...reviews, takesUnready: true })] }),
        pods: listed({ ...reviewsPod, ready: false }),
      },
      status: 'pass',
      says: /1 destination/,
    },
    {
      when: 'none has a selector',
      given: rules({ targets: [target(rule(), destination('reviews'), { ...reviews, selector: {} })] }),
      status: 'skip',
      says: /with a selector/,
    },
    {
      when: 'not every pod was seen',
      given: { ...rules(), pods: partly<Pod>() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every pod/,
    },
    {
      when: 'not every rule was seen',
      given: rules({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every rule/,
    },
  ],
  { pods: listed(reviewsPod) },
);

judging(oneRulePerHost, [
  {
    when: 'hosts differ',
    given: rules({ virtualServices: [rule(), rule({ name: 'b', hosts: ['ratings'] })] }),
    status: 'pass',
    says: /2 hosts/,
  },
  {
    when: 'two rules have one',
    given: rules({
      rivals: [{ host: 'reviews.bookinfo.svc.cluster.local', rules: [rule(), rule({ name: 'b' })], http: true }],
    }),
    status: 'fail',
    reason: 'HostTwice',
    says: /reviews.bookinfo.svc.cluster.local: bookinfo\/reviews wins over bookinfo\/b$/,
  },
  {
    when: 'the other is a gateway’s',
    given: rules({ virtualServices: [rule(), rule({ name: 'b', gateways: ['g'] })] }),
    status: 'pass',
    says: /1 host/,
  },
  {
    when: 'not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every/,
  },
  {
    when: 'all are gateways’',
    given: rules({ virtualServices: [rule({ gateways: ['g'] })] }),
    status: 'skip',
    says: /no VirtualService is for sidecars/,
  },
  { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
]);

const leads = (port: number | null, change: Partial<Target> = {}) =>
  rules({ targets: [target(rule(), destination('reviews', null, port), reviews, change)] });
const portless = (...port: readonly string[]): Partial<Target> => ({ lacking: { ...NOTHING, port } });
judging(destinationPortsExist, [
  { when: 'they do', given: leads(9080), status: 'pass', says: /1 destination/ },
  {
    when: 'one is named that is not there',
    given: leads(9999, portless('bookinfo')),
    status: 'fail',
    reason: 'PortMissing',
    says: /bookinfo\/reviews leads to reviews.bookinfo.svc.cluster.local:9999, a port that it does not have \(it has 9080\)$/,
  },
  {
    when: 'none is named, and callers call none that is there',
    given: leads(null, { callers: ['bookinfo', 'web'], ...portless('web') }),
    status: 'fail',
    reason: 'PortMissing',
    says: /without a port, and it has none of those that are called \(it has 9080\), for callers in web/,
  },
  {
    when: 'none is named, and callers call one more',
    given: leads(null, { astray: [80] }),
    status: 'warn',
    reason: 'PortAstray',
    says: /without a port: calls of port 80 find none there \(it has 9080\)/,
  },
  {
    when: 'the host is not known',
    given: leads(9080, { lacking: { ...NOTHING, host: ['bookinfo'] } }),
    status: 'skip',
    says: /no rule leads to a service that is known/,
  },
  {
    when: 'the Service is another name',
    given: rules({
      targets: [target(rule(), destination('reviews'), { ...reviews, external: true }, portless('bookinfo'))],
    }),
    status: 'skip',
    says: /no rule leads/,
  },
  {
    when: 'not every Service was seen',
    given: rules({ ...leads(9999, portless('bookinfo')).rules, missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /whose ports were not all seen/,
  },
  {
    when: 'not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every rule/,
  },
]);

const shared = (...shares: readonly (number | null)[]) =>
  rules({ virtualServices: [rule({ http: [{ ...to('reviews', 'reviews'), shares }] })] });
judging(rulesLeadSomewhere, [
  { when: 'they do', given: shared(90, 10), status: 'pass', says: /1 route with shares/ },
  { when: 'they are in proportion', given: shared(2, 1), status: 'pass', says: /1 route/, plane: modern },
  { when: 'one gets nothing', given: shared(100, null), status: 'pass', says: /1 route/, plane: { version: '1.4.0' } },
  {
    when: 'none has any',
    given: shared(0, null),
    status: 'fail',
    reason: 'SharesZero',
    says: /bookinfo\/reviews \(0 and none\)/,
  },
  {
    when: 'none of TCP has any',
    given: rules({
      virtualServices: [
        rule({ other: [{ kind: 'tcp', matches: [], destinations: [destination('reviews')], shares: [0, 0] }] }),
      ],
    }),
    status: 'fail',
    reason: 'SharesZero',
    says: /\(0 and 0\)/,
  },
  {
    when: 'an old release has less than 100',
    given: shared(90, 5),
    status: 'fail',
    reason: 'SharesUneven',
    says: /\(90 and 5\)/,
    plane: { version: '1.14.3' },
  },
  {
    when: 'the only one has a share',
    given: shared(0),
    status: 'warn',
    reason: 'ShareIgnored',
    says: /gets every request: VirtualService bookinfo\/reviews \(0\)/,
  },
  {
    when: 'a rule has no destination',
    given: rules({ virtualServices: [rule({ http: [to('reviews'), to()] })] }),
    status: 'fail',
    reason: 'RuleNowhere',
    says: /without a destination: VirtualService bookinfo\/reviews, rule 2$/,
  },
  {
    when: 'a rule answers by itself',
    given: rules({ virtualServices: [rule({ http: [{ ...to(), answers: true }] })] }),
    status: 'skip',
    says: /shares requests out/,
  },
  { when: 'nothing is shared', given: rules(), status: 'skip', says: /shares requests out/ },
  { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
  {
    when: 'not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every rule/,
  },
]);

const podOf = (version: string) => workloadPod('reviews-1', true, { labels: { app: 'reviews', version } });
const subset = (labels: Record<string, string>) => [
  target(rule(), destination('reviews', 'v2'), reviews, { labels: [labels] }),
];
const undefinedIn = (callers: readonly string[], ...subset: readonly string[]) =>
  target(rule(), destination('reviews', 'v2'), reviews, { callers, lacking: { ...NOTHING, subset } });
const inStore = {
  name: 'reviews',
  namespace: 'store',
  host: 'reviews.bookinfo.svc.cluster.local',
  exportTo: [],
  createdAt: 0,
  workloadSelector: null,
  hasPolicy: false,
  tls: null,
  subsets: [{ name: 'v2', labels: {} }],
  ends: null,
};
judging(
  subsetsExist,
  [
    { when: 'they do', given: rules({ targets: subset({ version: 'v2' }) }), status: 'pass', says: /^v2 of reviews/ },
    {
      when: 'one is not defined',
      given: rules({ targets: [undefinedIn(['bookinfo'], 'bookinfo')] }),
      status: 'fail',
      reason: 'SubsetMissing',
      says: /defines subset v2 of reviews.bookinfo.svc.cluster.local$/,
    },
    {
      when: 'one is not defined for some callers',
      given: rules({ targets: [undefinedIn(['bookinfo', 'web'], 'web')] }),
      status: 'fail',
      reason: 'SubsetMissing',
      says: /cluster.local, for callers in web$/,
    },
    {
      when: 'one is defined where nobody looks',
      given: rules({ targets: [{ ...undefinedIn(['bookinfo'], 'bookinfo'), elsewhere: [inStore] }] }),
      status: 'fail',
      reason: 'SubsetMissing',
      says: /; store\/reviews does, and is not the one$/,
    },
    {
      when: 'one selects no pod',
      given: rules({ targets: subset({ version: 'v9' }) }),
      status: 'fail',
      reason: 'SubsetEmpty',
      says: /no running pod of v2 of reviews.bookinfo.svc.cluster.local: version=v9/,
    },
    {
      when: 'one has no pod that is ready',
      given: {
        ...rules({ targets: subset({ version: 'v2' }) }),
        pods: listed({ ...podOf('v2'), ready: false }, podOf('v1')),
      },
      status: 'fail',
      reason: 'SubsetUnready',
      says: /no ready pod of v2 of reviews.bookinfo.svc.cluster.local: version=v2/,
    },
    {
      when: 'they do, and not every rule was seen',
      given: rules({ targets: subset({ version: 'v2' }), missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every rule/,
    },
    {
      when: 'one is of no endpoint of a ServiceEntry',
      given: rules({
        targets: [
          target(rule(), destination('api.example.com', 'v2'), null, {
            entered: true,
            labels: [{ version: 'v2' }],
            lacking: { ...NOTHING, endpoint: ['bookinfo'] },
          }),
        ],
      }),
      status: 'fail',
      reason: 'SubsetEmpty',
      says: /no endpoint of v2 of api.example.com: version=v2/,
    },
    {
      when: 'a label is the node’s',
      given: rules({ targets: subset({ 'topology.kubernetes.io/zone': 'a' }) }),
      status: 'pass',
      says: /v2/,
    },
    {
      when: 'policies cannot be seen',
      given: rules({ targets: [undefinedIn(['bookinfo'], 'bookinfo')], missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /among what could be seen/,
    },
    {
      when: 'not every pod was seen',
      given: { ...rules({ targets: subset({ version: 'v9' }) }), pods: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every pod/,
    },
    { when: 'no rule has one', given: rules(), status: 'skip', says: /no rule leads to a subset/ },
  ],
  { pods: listed(podOf('v2')) },
);

const policy = (labels: Record<string, string>) => ({
  got: listed({ ...inStore, namespace: 'bookinfo', subsets: [{ name: 'v2', labels }] }),
});

const about = (...ports: readonly ReturnType<typeof port>[]) => {
  const of = service('reviews', { ports });
  return rules({ services: [of], targets: [target(rule(), destination('reviews'), of)] });
};
const routed = (name: string, from: string | null): Configuration =>
  dump({
    routes: [
      {
        name: '9080',
        updatedAt: null,
        fixed: false,
        error: '',
        virtualHosts: [
          {
            name: 'x',
            domains: [`${name}.bookinfo.svc.cluster.local`],
            routes: [{ match: '/*', clusters: [`outbound|9080|v2|${name}.bookinfo.svc.cluster.local`], rule: from }],
          },
        ],
      },
    ],
  });
judging(
  portsSpeakHttp,
  [
    {
      when: 'they do',
      given: about(port('http', 9080)),
      status: 'pass',
      says: /1 port of 1 Service: reviews/,
      plane: modern,
    },
    {
      when: 'the name says TCP',
      given: about(port('tcp', 9080)),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /bookinfo\/reviews port tcp \(9080\) is TCP/,
      plane: modern,
    },
    {
      when: 'the name says HTTPS',
      given: about(port('https', 443)),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /is HTTPS/,
      plane: modern,
    },
    {
      when: 'it has no name, in 1.0',
      given: about(port(null, 9080)),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /port 9080 without a name is TCP/,
    },
    {
      when: 'it was meant to say so, in 1.0',
      given: about(port('http2port', 9080)),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /\(http-… was meant\?\)/,
    },
    {
      when: 'it has no name, today',
      given: about(port(null, 9080)),
      status: 'warn',
      reason: 'PortDetected',
      says: /is detected/,
      plane: modern,
    },
    {
      when: 'it has none and a proxy has its route',
      given: { ...about(port(null, 9080)), dumps: { got: [told(routed('reviews', 'bookinfo/reviews'))] } },
      status: 'pass',
      says: /1 port/,
      plane: modern,
    },
    {
      when: 'it is one where the server speaks first',
      given: about(port(null, 3306)),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /is TCP/,
      plane: modern,
    },
    {
      when: 'another port is',
      given: about(port('tcp', 1), port('http', 9080)),
      status: 'pass',
      says: /1 port/,
      plane: modern,
    },
    {
      when: 'the rule names the other one',
      given: (() => {
        const of = service('reviews', { ports: [port('tcp-x', 1), port('http', 9080)] });
        return rules({ services: [of], targets: [target(rule(), destination('reviews', null, 1), of)] });
      })(),
      status: 'fail',
      reason: 'PortNotHttp',
      says: /tcp-x/,
      plane: modern,
    },
    {
      when: 'the Service is another name',
      given: rules({ services: [{ ...reviews, external: true }], targets: [] }),
      status: 'skip',
      says: /no Service with rules has a TCP port/,
      plane: modern,
    },
    { when: 'there are no rules for HTTP', given: rules({ services: [] }), status: 'skip', says: /no rule for HTTP/ },
    {
      when: 'not every Service was seen',
      given: rules({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every Service/,
    },
  ],
  { dumps: { got: [] } },
);

const sidecar = (change: Parameters<typeof envoy>[0] = {}) =>
  envoy({
    containers: [container('app', 'app:1', { ports: [{ name: null, port: 9080 }] }), container('istio-proxy', 'x')],
    ...change,
  });
const labelled = { app: 'reviews' };
judging(
  podsBelongToServices,
  [
    { when: 'they do', given: {}, status: 'pass', says: /1 pod with a sidecar/ },
    {
      when: 'one does not, in 1.0',
      given: { services: listed() },
      status: 'fail',
      reason: 'PodWithoutService',
      says: /no Service selects bookinfo\/reviews/,
    },
    {
      when: 'one does not, in 1.5',
      given: { services: listed() },
      status: 'warn',
      reason: 'PodWithoutService',
      says: /reviews/,
      plane: { version: '1.5.0' },
    },
    { when: 'one does not, today', given: { services: listed() }, status: 'pass', says: /1 pod/, plane: modern },
    {
      when: 'it serves nothing',
      given: { services: listed(), envoys: [envoy({ labels: labelled })] },
      status: 'pass',
      says: /1 pod/,
    },
    {
      when: 'two Services share it, in 0.8',
      given: { services: listed(reviews, service('b', { selector: labelled })) },
      status: 'warn',
      reason: 'SeveralServices',
      says: /belongs to reviews and b/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'two share it, since',
      given: { services: listed(reviews, service('b', { selector: labelled })) },
      status: 'pass',
      says: /1 pod/,
    },
    {
      when: 'two mean two protocols',
      given: { services: listed(reviews, service('b', { selector: labelled, ports: [port('tcp', 9080)] })) },
      status: 'fail',
      reason: 'ProtocolsConflict',
      says: /port 9080 is HTTP for Service reviews and TCP for b/,
      plane: modern,
    },
    {
      when: 'not every Service was seen',
      given: { services: partly(reviews) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    { when: 'there is no sidecar', given: { envoys: [] }, status: 'skip', says: /no sidecar/ },
  ],
  { envoys: [sidecar({ labels: labelled })], services: listed(reviews) },
);

judging(
  containerPortsListed,
  [
    { when: 'they are', given: {}, status: 'pass', says: /1 port of 1 pod/ },
    {
      when: 'one is not, in 1.0',
      given: { envoys: [envoy({ labels: labelled })] },
      status: 'fail',
      reason: 'PortNotListed',
      says: /bookinfo\/reviews leads to 9080/,
    },
    {
      when: 'one is not, today',
      given: { envoys: [envoy({ labels: labelled })] },
      status: 'pass',
      says: /1 port/,
      plane: modern,
    },
    {
      when: 'an annotation names all, in 1.0',
      given: {
        envoys: [envoy({ labels: labelled, annotations: { 'traffic.sidecar.istio.io/includeInboundPorts': '*' } })],
      },
      status: 'pass',
      says: /1 port/,
    },
    {
      when: 'an annotation names others only',
      given: {
        envoys: [
          sidecar({ labels: labelled, annotations: { 'traffic.sidecar.istio.io/includeInboundPorts': '8080' } }),
        ],
      },
      status: 'warn',
      reason: 'PortExcluded',
      says: /leaves out 9080/,
      plane: modern,
    },
    {
      when: 'an annotation leaves one out',
      given: {
        envoys: [
          sidecar({ labels: labelled, annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '1, 9080' } }),
        ],
      },
      status: 'warn',
      reason: 'PortExcluded',
      says: /leaves out 9080 of Service reviews/,
      plane: modern,
    },
    {
      when: 'the installation leaves one out',
      given: {
        envoys: [sidecar({ labels: labelled, redirection: ['istio-iptables', '-b', '*', '-d', '15090,15021,9080'] })],
      },
      status: 'warn',
      reason: 'PortExcluded',
      says: /leaves out 9080 of Service reviews/,
      plane: modern,
    },
    {
      when: 'a Service leads to the pages of sidecars, which nothing redirects',
      given: { services: listed({ ...reviews, ports: [port('http', 15090), port('status', 15020)] }) },
      status: 'pass',
      says: /2 ports/,
      plane: modern,
    },
    {
      when: 'not every Service was seen',
      given: { services: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    { when: 'there is no sidecar', given: { envoys: [] }, status: 'skip', says: /no sidecar/ },
  ],
  { envoys: [sidecar({ labels: labelled })], services: listed(reviews) },
);

judging(
  podsAreLabelled,
  [
    { when: 'they are', given: {}, status: 'pass', says: /1 pod labelled/ },
    {
      when: 'one has no app',
      given: { envoys: [sidecar({ labels: {} })] },
      status: 'warn',
      reason: 'LabelsMissing',
      says: /no label app: bookinfo\/reviews/,
    },
    {
      when: 'one has no version, and subsets go by it',
      given: { policies: policy({ version: 'v2' }) },
      status: 'warn',
      reason: 'LabelsMissing',
      says: /no label version/,
    },
    { when: 'there is no sidecar', given: { envoys: [] }, status: 'skip', says: /no sidecar/ },
  ],
  { envoys: [sidecar({ labels: labelled })], services: listed(reviews), policies: { got: listed() } },
);

judging(nobodyIsTheProxy, [
  { when: 'there is no sidecar', given: { envoys: [] }, status: 'skip', says: /no sidecar/ },
  { when: 'nobody is', given: { envoys: [sidecar()] }, status: 'pass', says: /none of 1 pod/ },
  {
    when: 'an application is',
    given: {
      envoys: [
        sidecar({ containers: [container('app', 'a', { user: 1337 }), container('istio-proxy', 'x', { user: 1337 })] }),
      ],
    },
    status: 'warn',
    reason: 'RunsAsProxy',
    says: /^app of bookinfo\/reviews$/,
  },
]);

const from = { from: { name: 'web', namespace: 'bookinfo' } };
judging(callerIsInMesh, [
  { when: 'nobody is named', given: { caller: null }, status: 'skip', says: /--from POD/ },
  {
    when: 'it has a sidecar',
    given: { caller: workloadPod('web', true) },
    status: 'pass',
    says: /has a proxy/,
    scope: from,
  },
  {
    when: 'it is ambient',
    given: { caller: workloadPod('web', false, { annotations: { 'ambient.istio.io/redirection': 'enabled' } }) },
    status: 'pass',
    says: /ambient/,
    scope: from,
  },
  {
    when: 'it has nothing',
    given: { caller: workloadPod('web', false) },
    status: 'fail',
    reason: 'CallerWithoutProxy',
    says: /no sidecar$/,
    scope: from,
  },
  {
    when: 'it is the host’s network',
    given: { caller: workloadPod('web', false, { hostNetwork: true }) },
    status: 'fail',
    reason: 'CallerWithoutProxy',
    says: /host’s network/,
    scope: from,
  },
  {
    when: 'it could not be seen',
    given: { caller: null },
    status: 'unknown',
    reason: 'NotFound',
    says: /could be seen/,
    scope: from,
  },
]);

judging(
  rulesAreForMesh,
  [
    { when: 'they are', given: rules(), status: 'pass', says: /1 rule for sidecars, 0 for gateways/ },
    {
      when: 'one is a gateway’s and about a Service',
      given: rules({ virtualServices: [rule({ gateways: ['g'] })] }),
      status: 'warn',
      reason: 'GatewaysOnly',
      says: /bookinfo\/reviews is for g only/,
    },
    {
      when: 'one is a gateway’s and about a domain',
      given: rules({ virtualServices: [rule({ gateways: ['g'], hosts: ['a.com', '*'] })] }),
      status: 'pass',
      says: /0 rules for sidecars, 1 for gateways/,
    },
    {
      when: 'not every rule was seen',
      given: rules({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    { when: 'there are none', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
  ],
  { services: listed(reviews) },
);

const ofReviews = { ...from, workload: { kind: 'service', name: 'reviews', namespace: 'bookinfo' } } as const;
const limit = (...hosts: readonly string[]): Sidecar => ({
  name: 'default',
  namespace: 'web',
  createdAt: 0,
  selector: null,
  egress: [{ port: null, hosts }],
});
const caller = workloadPod('web-1', true, { namespace: 'web' });
judging(
  callerSeesRules,
  [
    { when: 'nothing keeps them', given: seen(), status: 'pass', says: /1 rule for web\/web-1/, scope: from },
    {
      when: 'one is not exported',
      given: seen({ virtualServices: [rule({ exportTo: ['.'] })] }),
      status: 'fail',
      reason: 'NotExported',
      says: /is exported to \. only/,
      scope: ofReviews,
    },
    {
      when: 'one is not exported, and no service was named',
      given: seen({ virtualServices: [rule({ exportTo: ['.'] })] }),
      status: 'pass',
      says: /0 rules for web\/web-1, 1 kept from it/,
      scope: from,
    },
    {
      when: 'it is exported there',
      given: seen({ virtualServices: [rule({ exportTo: ['web'] })] }),
      status: 'pass',
      says: /1 rule/,
      scope: from,
    },
    {
      when: 'a Sidecar object leaves it out',
      given: seen({}, limit('./*', 'istio-system/*')),
      status: 'fail',
      reason: 'OutOfScope',
      says: /Sidecar web\/default leaves out VirtualService bookinfo\/reviews/,
      scope: ofReviews,
    },
    {
      when: 'a Sidecar object lets it in',
      given: seen({}, limit('bookinfo/*')),
      status: 'pass',
      says: /1 rule/,
      scope: from,
    },
    {
      when: 'it lets the host in',
      given: seen({}, limit('*/reviews.bookinfo.svc.cluster.local')),
      status: 'pass',
      says: /1 rule/,
      scope: from,
    },
    {
      when: 'Sidecar objects cannot be seen',
      given: seen({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every rule was seen/,
      scope: from,
    },
    {
      when: 'not every rule was seen',
      given: seen({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
      scope: from,
    },
    {
      when: 'the caller was not seen',
      given: { ...seen(), caller: null },
      status: 'unknown',
      reason: 'NotFound',
      says: /web/,
      scope: from,
    },
    { when: 'there are no rules', given: seen(NONE), status: 'skip', says: /no VirtualService/, scope: from },
    { when: 'nobody is named', given: seen(), status: 'skip', says: /--from/ },
  ],
  { caller },
);

const waypoint = (change: Partial<Waypoint> = {}): Waypoint => ({
  name: 'waypoint',
  namespace: 'bookinfo',
  programmed: true,
  message: '',
  serves: 'service',
  ...change,
});
const ambient = (labels: Record<string, string> = {}) => ({
  got: listed({ name: 'bookinfo', labels: { 'istio.io/dataplane-mode': 'ambient', ...labels } }),
});
const enrolled = ambient({ 'istio.io/use-waypoint': 'waypoint' });
const bound = (isBound: boolean) =>
  service('reviews', {
    ports: [port('http', 9080)],
    waypoint: { bound: isBound, message: 'no such waypoint', since: null },
  });
const condition = (type: string, status: string, reason: string = type, message = ''): Condition => ({
  type,
  status,
  reason,
  message,
});
const ACCEPTED = [condition('Accepted', 'True')];
const parent = (change: Partial<RouteParent> = {}): RouteParent => ({
  kind: 'Service',
  name: 'reviews',
  namespace: 'bookinfo',
  section: null,
  port: null,
  conditions: ACCEPTED,
  isOthers: false,
  ...change,
});
const route: GatewayRoute = {
  kind: 'HTTPRoute',
  name: 'r',
  namespace: 'bookinfo',
  hostnames: [],
  parents: [parent()],
  backends: [],
  services: [{ name: 'reviews', namespace: 'bookinfo' }],
  refused: [],
};
judging(
  waypointsServeRules,
  [
    {
      when: 'one does',
      given: { ...rules(), waypoints: { got: listed(waypoint()) } },
      status: 'pass',
      says: /1 Service with a waypoint/,
    },
    {
      when: 'istiod says so',
      given: { ...rules({ services: [bound(true)] }), namespaces: ambient() },
      status: 'pass',
      says: /1 Service/,
    },
    {
      when: 'istiod says no',
      given: rules({ services: [bound(false)] }),
      status: 'fail',
      reason: 'WaypointNotBound',
      says: /no such waypoint/,
    },
    {
      when: 'nobody is named',
      given: { ...rules(), namespaces: ambient() },
      status: 'fail',
      reason: 'NoWaypoint',
      says: /bookinfo\/reviews has rules for HTTP, and no waypoint/,
    },
    {
      when: 'it is said that there is none',
      given: { ...rules(), namespaces: ambient({ 'istio.io/use-waypoint': 'none' }) },
      status: 'fail',
      reason: 'NoWaypoint',
      says: /no waypoint/,
    },
    {
      when: 'it does not exist',
      given: rules(),
      status: 'fail',
      reason: 'WaypointNotReady',
      says: /bookinfo\/waypoint of bookinfo\/reviews does not exist/,
    },
    {
      when: 'it is not programmed',
      given: { ...rules(), waypoints: { got: listed(waypoint({ programmed: false, message: 'no address' })) } },
      status: 'fail',
      reason: 'WaypointNotReady',
      says: /not programmed: no address/,
    },
    {
      when: 'it serves workloads',
      given: { ...rules(), waypoints: { got: listed(waypoint({ serves: 'workload' })) } },
      status: 'fail',
      reason: 'WaypointNotReady',
      says: /serves workload/,
    },
    {
      when: 'both kinds of rules are there',
      given: { ...rules({ routes: [route] }), services: listed(reviews), waypoints: { got: listed(waypoint()) } },
      status: 'warn',
      reason: 'MixedRules',
      says: /both a VirtualService and an HTTPRoute/,
    },
    {
      when: 'no namespace is ambient',
      given: { ...rules(), namespaces: { got: listed({ name: 'bookinfo', labels: {} }) } },
      status: 'skip',
      says: /ambient/,
    },
    { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no rule for HTTP/ },
    {
      when: 'not every waypoint was seen',
      given: { ...rules(), waypoints: { got: partly() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every waypoint/,
    },
    {
      when: 'namespaces cannot be seen',
      given: { ...rules(), namespaces: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'waypoints cannot be seen',
      given: { ...rules(), waypoints: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { namespaces: enrolled, services: listed(reviews), waypoints: { got: listed() } },
);

const forGateway = (change: Partial<RouteParent> = {}): GatewayRoute => ({
  ...route,
  hostnames: ['a.com'],
  parents: [parent({ kind: 'Gateway', name: 'edge', namespace: 'istio-system', conditions: [], ...change })],
  services: [],
});
const apiGateway = (
  change: Partial<ApiGateway> = {},
  listener: Partial<ApiGateway['listeners'][number]> = {},
): ApiGateway => ({
  name: 'edge',
  namespace: 'istio-system',
  className: 'istio',
  isWaypoint: false,
  controller: null,
  serves: 'service',
  unsaid: null,
  hasAddress: true,
  isManual: false,
  conditions: [...ACCEPTED, condition('Programmed', 'True')],
  listeners: [
    {
      name: 'web',
      port: 80,
      protocol: 'HTTP',
      hostname: null,
      passesOn: false,
      from: 'All',
      selector: null,
      kinds: [],
      conditions: [],
      ...listener,
    },
  ],
  ...change,
});
const far: GatewayRoute = { ...route, services: [], backends: [{ name: 'far', namespace: 'store' }] };
const granting = (from: string, services: readonly string[]) => ({
  got: listed<ReferenceGrant>({ name: 'g', namespace: 'store', from: [from], services }),
});
judging(
  httpRoutesAccepted,
  [
    { when: 'they are', given: rules({ routes: [route] }), status: 'pass', says: /1 route/ },
    {
      when: 'one is not',
      given: rules({ routes: [{ ...route, refused: ['BackendNotFound: x'] }] }),
      status: 'fail',
      reason: 'RouteRefused',
      says: /bookinfo\/r: BackendNotFound: x/,
    },
    {
      when: 'nobody has looked at one',
      given: rules({ routes: [{ ...route, parents: [parent({ conditions: [] })] }] }),
      status: 'unknown',
      reason: 'RouteUnseen',
      says: /no controller has accepted HTTPRoute bookinfo\/r/,
    },
    { when: 'there is none', given: rules(), status: 'skip', says: /no route of the Gateway API/ },
    {
      when: 'they cannot be seen',
      given: rules({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    {
      when: 'one leads to another namespace without a grant',
      given: rules({ routes: [far] }),
      status: 'fail',
      reason: 'RefNotPermitted',
      says: /HTTPRoute bookinfo\/r leads to store\/far without a ReferenceGrant/,
    },
    {
      when: 'a grant lets it',
      given: { ...rules({ routes: [far] }), grants: granting('HTTPRoute bookinfo', []) },
      status: 'pass',
      says: /1 route/,
    },
    {
      when: 'a grant is for another Service',
      given: { ...rules({ routes: [far] }), grants: granting('HTTPRoute bookinfo', ['near']) },
      status: 'fail',
      reason: 'RefNotPermitted',
      says: /store\/far/,
    },
    {
      when: 'a grant is for another kind',
      given: { ...rules({ routes: [far] }), grants: granting('TCPRoute bookinfo', []) },
      status: 'fail',
      reason: 'RefNotPermitted',
      says: /store\/far/,
    },
    {
      when: 'grants cannot be seen',
      given: { ...rules({ routes: [far] }), grants: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'not every grant was seen',
      given: { ...rules({ routes: [far] }), grants: { got: partly<ReferenceGrant>() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every ReferenceGrant/,
    },
    {
      when: 'one is for a Gateway that is not there',
      given: { ...rules({ routes: [forGateway()] }), gateways: { got: listed<ApiGateway>() } },
      status: 'fail',
      reason: 'ParentMissing',
      says: /HTTPRoute bookinfo\/r is for Gateway istio-system\/edge, which does not exist/,
    },
    {
      when: 'one is for a Gateway that was not seen',
      given: { ...rules({ routes: [forGateway()] }), gateways: { got: partly<ApiGateway>() } },
      status: 'unknown',
      reason: 'RouteUnseen',
      says: /no controller has accepted HTTPRoute bookinfo\/r/,
    },
    {
      when: 'Gateways cannot be seen',
      given: { ...rules({ routes: [forGateway()] }), gateways: { missing: missing() } },
      status: 'unknown',
      reason: 'RouteUnseen',
      says: /no controller/,
    },
    ...(
      [
        [
          'a listener that is not there',
          { section: 'tls' },
          {},
          'ParentMissing',
          /has no listener tls; it has web \(80\)/,
        ],
        ['a port that has no listener', { port: 443 }, {}, 'ParentMissing', /has no listener on port 443/],
        [
          'the namespace is left out',
          {},
          { from: 'Same' },
          'RouteNotAllowed',
          /takes routes from its own namespace only at listener web: the route is in bookinfo/,
        ],
        [
          'the namespace’s labels are others',
          {},
          { from: 'Selector', selector: { matchLabels: { team: 'web' } } },
          'RouteNotAllowed',
          /takes routes from namespaces with certain labels only/,
        ],
        [
          'the kind is left out',
          {},
          { kinds: ['GRPCRoute'] },
          'RouteNotAllowed',
          /takes GRPCRoute only at listener web/,
        ],
        ['the protocol has no such routes', {}, { protocol: 'TCP' }, 'RouteNotAllowed', /takes TCPRoute only/],
        ['the host is another', {}, { hostname: 'b.com' }, 'HostnameNotServed', /has b\.com at listener web/],
      ] as const
    ).map(([when, ref, change, reason, says]) => ({
      when,
      given: {
        ...rules({ routes: [{ ...forGateway(ref), refused: ['NotAllowed: the controller’s words'] }] }),
        gateways: { got: listed(apiGateway({}, change)) },
      },
      status: 'fail' as const,
      reason,
      says,
    })),
    ...(
      [
        [
          'its labels fit',
          { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'bookinfo' } } },
        ],
        ['all are taken', { from: 'All', hostname: '*.com' }],
      ] as const
    ).map(([when, change]) => ({
      when: `nothing tells why: ${when}`,
      given: { ...rules({ routes: [forGateway()] }), gateways: { got: listed(apiGateway({}, change)) } },
      status: 'unknown' as const,
      reason: 'RouteUnseen',
      says: /no controller/,
    })),
    {
      when: 'the controller has accepted what seems left out',
      given: {
        ...rules({ routes: [forGateway({ conditions: ACCEPTED })] }),
        gateways: { got: listed(apiGateway({}, { from: 'Same' })) },
      },
      status: 'pass',
      says: /1 route/,
    },
    {
      when: 'a route is for another controller’s Gateway, of which it says no',
      given: rules({
        routes: [{ ...forGateway({ isOthers: true }), backends: [{ name: 'far', namespace: 'store' }] }],
      }),
      status: 'skip',
      says: /no route/,
    },
    {
      when: 'a route is for another controller’s Gateway, of which nobody says anything yet',
      given: {
        ...rules({ routes: [forGateway()] }),
        gateways: { got: listed(apiGateway({ className: 'gke' }, { hostname: 'b.com' })) },
      },
      status: 'skip',
      says: /no route/,
    },
  ],
  {
    grants: { got: listed<ReferenceGrant>() },
    gateways: { got: listed<ApiGateway>() },
    namespaces: { got: listed({ name: 'bookinfo', labels: {} }) },
  },
);
const edgeOf = (change: Partial<ApiGateway>, listener: Partial<ApiGateway['listeners'][number]> = {}) => ({
  ...rules(),
  gateways: { got: listed(apiGateway(change, listener)) },
});
const words = (type: string, reason: string, status = 'False') =>
  condition(type, status, reason, 'the controller’s words');
judging(apiGatewaysProgrammed, [
  { when: 'they are', given: edgeOf({}), status: 'pass', says: /1 Gateway/ },
  {
    when: 'one is not accepted',
    given: edgeOf({ conditions: [words('Accepted', 'ListenersNotValid')] }),
    status: 'fail',
    reason: 'GatewayRefused',
    says: /Gateway istio-system\/edge: ListenersNotValid: the controller’s words/,
  },
  {
    when: 'one is not programmed',
    given: edgeOf({ conditions: [...ACCEPTED, words('Programmed', 'Invalid')] }),
    status: 'fail',
    reason: 'GatewayNotProgrammed',
    says: /Invalid: the controller’s words/,
  },
  {
    when: 'one has no address',
    given: edgeOf({ conditions: [...ACCEPTED, words('Programmed', 'AddressNotAssigned')] }),
    status: 'warn',
    reason: 'GatewayWithoutAddress',
    says: /AddressNotAssigned/,
  },
  {
    when: 'a listener’s certificate is not there',
    given: edgeOf({}, { conditions: [words('ResolvedRefs', 'InvalidCertificateRef')] }),
    status: 'fail',
    reason: 'ListenerRefused',
    says: /Gateway istio-system\/edge, listener web: InvalidCertificateRef/,
  },
  {
    when: 'a listener is in conflict',
    given: edgeOf({}, { conditions: [words('Conflicted', 'HostnameConflict', 'True')] }),
    status: 'fail',
    reason: 'ListenerRefused',
    says: /HostnameConflict/,
  },
  {
    when: 'a listener is in no conflict',
    given: edgeOf({}, { conditions: [words('Conflicted', 'NoConflicts')] }),
    status: 'pass',
    says: /1 Gateway/,
  },
  {
    when: 'one of another controller is not programmed',
    given: edgeOf({ className: 'gke', conditions: [...ACCEPTED, words('Programmed', 'Invalid')] }),
    status: 'skip',
    says: /no Gateway/,
  },
  {
    when: 'one of a class of its own is not programmed, and Istio says something of a route for it',
    given: {
      ...edgeOf({ className: 'mine', conditions: [...ACCEPTED, words('Programmed', 'Invalid')] }),
      ...rules({ routes: [forGateway({ conditions: ACCEPTED })] }),
    },
    status: 'fail',
    reason: 'GatewayNotProgrammed',
    says: /Invalid/,
  },
  {
    when: 'nobody has taken one up',
    given: edgeOf({ conditions: [words('Accepted', 'Pending', 'Unknown')] }),
    status: 'unknown',
    reason: 'GatewayUnseen',
    says: /no controller has taken up Gateway istio-system\/edge of class istio/,
  },
  {
    when: 'one is accepted, and not programmed yet',
    given: edgeOf({ conditions: [...ACCEPTED, words('Programmed', 'Pending', 'Unknown')] }),
    status: 'unknown',
    reason: 'GatewayUnseen',
    says: /no controller has taken up/,
  },
  {
    when: 'an old istiod says so in other words',
    given: edgeOf({ conditions: [condition('Scheduled', 'True'), condition('Ready', 'True')] }),
    status: 'pass',
    says: /1 Gateway/,
  },
  {
    when: 'an old istiod says that one is not ready',
    given: edgeOf({ conditions: [condition('Scheduled', 'True'), words('Ready', 'ListenersNotReady')] }),
    status: 'fail',
    reason: 'GatewayNotProgrammed',
    says: /ListenersNotReady/,
  },
  {
    when: 'another controller’s says nothing',
    given: edgeOf({ className: 'other', conditions: [] }),
    status: 'skip',
    says: /no Gateway/,
  },
  {
    when: 'another namespace is asked for',
    given: edgeOf({ conditions: [] }),
    scope: { namespace: 'bookinfo' },
    status: 'skip',
    says: /no Gateway/,
  },
  {
    when: 'there is none',
    given: { ...rules(), gateways: { got: listed<ApiGateway>() } },
    status: 'skip',
    says: /no Gateway/,
  },
  {
    when: 'they cannot be seen',
    given: { ...rules(), gateways: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
  {
    when: 'not every one was seen',
    given: { ...rules(), gateways: { got: partly(apiGateway()) } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every Gateway/,
  },
  {
    when: 'no route could be seen',
    given: { ...rules({ missing: [missing()] }), gateways: { got: listed<ApiGateway>() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
]);
const behind: HttpRule = { ...to('reviews'), name: 'late', matches: [{ headers: { x: { exact: 'y' } } }] };
const twofold = rule({ http: [to('reviews'), behind] });

const stream = (kind: 'tcp' | 'tls', change: Partial<StreamMatch> = {}): Partial<MergedVirtualService> => ({
  http: [],
  other: [
    {
      kind,
      matches: [
        {
          port: null,
          gateways: [],
          sourceLabels: {},
          sourceNamespace: '',
          sniHosts: kind === 'tls' ? ['site.example.com'] : [],
          destinationSubnets: [],
          ...change,
        },
      ],
      destinations: [destination('reviews')],
      shares: [null],
    },
  ],
});
judging(rulesAreReached, [
  {
    when: 'one is for a port that its host does not have',
    given: rules({ uncalled: [{ rule: rule(), wanted: [81], has: [9080] }] }),
    status: 'fail',
    reason: 'PortUncalled',
    says: /bookinfo\/reviews is for port 81 alone, and reviews\.bookinfo\.svc\.cluster\.local has 9080$/,
  },
  {
    when: 'its host has none at all',
    given: rules({ uncalled: [{ rule: rule(), wanted: [81], has: [] }] }),
    status: 'fail',
    reason: 'PortUncalled',
    says: /has none$/,
  },
  {
    when: 'not every Service was seen',
    given: rules({ uncalled: [{ rule: rule(), wanted: [81], has: [80] }], missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /were not all seen/,
  },
  { when: 'all are', given: rules(), status: 'pass', says: /1 rule for HTTP, each within reach/ },
  {
    when: 'one stands behind one that takes all',
    given: rules({
      virtualServices: [twofold],
      unreached: [{ rule: twofold, http: behind }],
    }),
    status: 'warn',
    reason: 'RuleUnreached',
    says: /^VirtualService bookinfo\/reviews, rule 2 \(late\): never reached/,
  },
  {
    when: 'one has the matches of those before, whatever their order',
    given: rules({
      virtualServices: [
        rule({
          http: [
            { ...to('reviews'), matches: [{ uri: { prefix: '/a' }, port: 80 }] },
            { ...to('reviews'), name: 'again', matches: [{ port: 80, uri: { prefix: '/a' } }] },
          ],
        }),
      ],
    }),
    status: 'warn',
    reason: 'RuleRepeated',
    says: /^VirtualService bookinfo\/reviews, rule 2 \(again\): never reached, rules before have its matches/,
  },
  {
    when: 'one for TCP stands behind one without a match',
    given: rules({
      virtualServices: [
        rule({
          http: [],
          other: ['a', 'b'].map((host) => ({
            kind: 'tcp',
            matches: [],
            destinations: [destination(host)],
            shares: [null],
          })),
        }),
      ],
    }),
    status: 'warn',
    reason: 'RuleUnreached',
    says: /^VirtualService bookinfo\/reviews, TCP rule 2: never reached/,
  },
  {
    when: 'they are, and are for TCP alone',
    given: rules({ virtualServices: [rule(stream('tcp'))] }),
    status: 'pass',
    says: /^1 rule for TCP, each/,
  },
  {
    when: 'none is for HTTP or TCP',
    given: rules({ virtualServices: [rule(stream('tls'))] }),
    status: 'skip',
    says: /no rule is for HTTP or TCP/,
  },
  { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
  {
    when: 'not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every/,
  },
]);

const faulty = (why: DelegateFault['why']) =>
  rules({ virtualServices: [rule({ faults: [{ root: rule(), delegate: 'web/part', why }] })] });
judging(delegatesApply, [
  {
    when: 'they do',
    given: rules({ virtualServices: [rule({ delegates: ['web/part'] })] }),
    status: 'pass',
    says: /1 delegate: web\/part/,
  },
  ...(
    [
      ['missing', 'DelegateMissing', /bookinfo\/reviews delegates to web\/part, which does not exist/],
      ['has hosts', 'DelegateMissing', /has hosts of its own/],
      ['not exported', 'DelegateMissing', /is not exported/],
      ['match', 'DelegateConflict', /outside of its own/],
      ['delegates', 'DelegateConflict', /delegates in turn/],
    ] as const
  ).map(([why, reason, says]) => ({ when: `one: ${why}`, given: faulty(why), status: 'fail' as const, reason, says })),
  { when: 'there is none', given: rules(), status: 'skip', says: /no rule is delegated/ },
  {
    when: 'one is missing and not all was seen',
    given: { rules: { ...faulty('missing').rules, missing: [missing()] } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /was not seen whole/,
  },
  {
    when: 'not every rule was seen',
    given: rules({ missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every/,
  },
]);

const server = (change: Partial<GatewayServer> = {}): GatewayServer => ({
  port: 80,
  name: 'http',
  protocol: 'HTTP',
  hosts: ['*'],
  tls: null,
  redirects: false,
  bind: '',
  ...change,
});
const edge = (name: string, pods: readonly Pod[], ...servers: readonly GatewayServer[]): SelectedGateway => ({
  gateway: {
    name,
    namespace: 'istio-system',
    exportTo: [],
    createdAt: 0,
    selector: { istio: 'edge' },
    servers: servers.length > 0 ? servers : [server()],
  },
  pods,
  isScoped: false,
});
const gatewayPod = workloadPod('edge-1', true, { namespace: 'istio-system' });
const site = (change: Partial<MergedVirtualService> = {}) =>
  rule({ hosts: ['site.example.com'], gateways: ['istio-system/edge'], ...change });
/** What the proxies of Gateways in istio-system have of them and of rules. */
const proxiesOf = (rules: readonly MergedVirtualService[], gateways: readonly SelectedGateway[]): GatewayProxies => ({
  pods: gateways.flatMap(({ pods }) => pods),
  namespace: 'istio-system',
  view: gatewayViewOf(
    gateways.map(({ gateway }) => gateway),
    rules,
    { namespace: 'istio-system', labels: { istio: 'edge' } },
  ),
});
const allAt = (of: readonly MergedVirtualService[], ...gateways: readonly SelectedGateway[]) => ({
  ...rules({ virtualServices: of }),
  gateways: { got: listed(...gateways) },
  proxies: { got: listed(proxiesOf(of, gateways)) },
});
const at = (rule: MergedVirtualService, ...gateways: readonly SelectedGateway[]) => allAt([rule], ...gateways);
const unseenGateways = {
  when: 'they cannot be seen',
  given: {
    ...rules({ virtualServices: [site()] }),
    gateways: { missing: missing() },
    proxies: { missing: missing() },
  },
  status: 'unknown',
  reason: 'Forbidden',
  says: /not allowed/,
} as const;
const noGateway = {
  when: 'no rule is for one',
  given: { ...rules(), gateways: { got: listed<SelectedGateway>() }, proxies: { got: listed<GatewayProxies>() } },
  status: 'skip',
  says: /for a gateway/,
} as const;
judging(gatewaysExist, [
  {
    when: 'they do',
    given: at(site(), edge('edge', [gatewayPod])),
    status: 'pass',
    says: /1 Gateway: istio-system\/edge/,
  },
  {
    when: 'one is of another namespace',
    given: at(site({ gateways: ['bookinfo/edge'] }), edge('edge', [gatewayPod])),
    status: 'fail',
    reason: 'GatewayMissing',
    says: /Gateway bookinfo\/edge, which does not exist; there is istio-system\/edge/,
  },
  {
    when: 'one has no pods',
    given: at(site(), edge('edge', [])),
    status: 'fail',
    reason: 'GatewayWithoutPods',
    says: /istio-system\/edge: istio=edge/,
  },
  {
    when: 'one has pods in other namespaces only, and istiod keeps them apart',
    given: at(site(), { ...edge('edge', []), isScoped: true }),
    status: 'fail',
    reason: 'GatewayWithoutPods',
    says: /no running gateway of its namespace \(PILOT_SCOPE_GATEWAY_TO_NAMESPACE\) has the labels/,
  },
  {
    when: 'one was not found and not all was seen',
    given: { ...rules({ virtualServices: [site()] }), gateways: { got: partly<SelectedGateway>() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /among what could be seen/,
  },
  unseenGateways,
  noGateway,
]);
judging(gatewaysServeHosts, [
  { when: 'they do', given: at(site(), edge('edge', [gatewayPod])), status: 'pass', says: /1 rule for gateways/ },
  {
    when: 'none serves the host',
    given: at(site(), edge('edge', [gatewayPod], server({ hosts: ['other.example.com'] }))),
    status: 'fail',
    reason: 'HostNotServed',
    says: /istio-system\/edge does not serve site.example.com/,
  },
  {
    when: 'it serves the host for another namespace',
    given: at(site(), edge('edge', [gatewayPod], server({ hosts: ['web/site.example.com'] }))),
    status: 'fail',
    reason: 'HostNotServed',
    says: /does not serve/,
  },
  {
    when: 'it passes TLS on to a rule for HTTP',
    given: at(site(), edge('edge', [gatewayPod], server({ protocol: 'TLS', port: 443, tls: 'PASSTHROUGH' }))),
    status: 'fail',
    reason: 'KindNotServed',
    says: /has rules for HTTP, and port 443 .* takes those for TLS/,
  },
  unseenGateways,
  noGateway,
]);
const secure = (change: Partial<GatewayServer> = {}): GatewayServer =>
  server({ port: 443, name: 'https', protocol: 'HTTPS', tls: 'SIMPLE', hosts: ['site.example.com'], ...change });
const partly80 = (path: string) => ({ http: [{ ...to('reviews'), matches: [{ uri: { prefix: path } }] }] });
judging(gatewaysServeHosts, [
  {
    when: 'a server redirects to HTTPS',
    given: at(site(), edge('edge', [gatewayPod], server({ tls: 'PASSTHROUGH', redirects: true }))),
    status: 'pass',
    says: /1 rule/,
  },
  {
    when: 'a rule is kept to its own namespace',
    given: at(site({ exportTo: ['.'] }), edge('edge', [gatewayPod])),
    status: 'fail',
    reason: 'RuleNotExported',
    says: /bookinfo\/reviews is not exported to istio-system, where the proxies of Gateway istio-system\/edge are/,
  },
  {
    when: 'the matches of a rule are for another port',
    given: at(site({ http: [{ ...to('reviews'), matches: [{ port: 8080 }] }] }), edge('edge', [gatewayPod])),
    status: 'fail',
    reason: 'MatchElsewhere',
    says: /leave out port 80 of istio-system\/edge, which serves site\.example\.com/,
  },
  {
    when: 'a server leads by the name alone',
    given: at(site(stream('tls')), edge('edge', [gatewayPod], secure({ protocol: 'TLS', tls: 'AUTO_PASSTHROUGH' }))),
    status: 'fail',
    reason: 'KindNotServed',
    says: /takes no rules at all \(AUTO_PASSTHROUGH\)/,
  },
  {
    when: 'one of two Gateways serves nothing of the rule',
    given: at(
      site({ gateways: ['istio-system/edge', 'istio-system/too'] }),
      edge('edge', [gatewayPod]),
      edge('too', [gatewayPod], server({ hosts: ['other.example.com'] })),
    ),
    status: 'fail',
    reason: 'HostNotServed',
    says: /istio-system\/too does not serve site\.example\.com/,
  },
  {
    when: 'a rule for the mesh too has another host',
    given: at(
      site({
        gateways: ['mesh', 'istio-system/edge'],
        hosts: ['site.example.com', 'reviews.bookinfo.svc.cluster.local'],
      }),
      edge('edge', [gatewayPod], server({ hosts: ['site.example.com'] })),
    ),
    status: 'pass',
    says: /1 rule/,
  },
]);
judging(gatewayHostsApart, [
  { when: 'they are', given: at(site(), edge('edge', [gatewayPod])), status: 'pass', says: /none in another’s way/ },
  {
    when: 'a host’s rules leave a wildcard’s out',
    given: allAt(
      [site(partly80('/a')), site({ name: 'all', hosts: ['*'], ...partly80('/b') })],
      edge('edge', [gatewayPod]),
    ),
    status: 'fail',
    reason: 'HostShadowed',
    says: /bookinfo\/all is not asked for site.example.com/,
  },
  {
    when: 'the Gateway names the host beside the wildcard: both rules have it',
    given: allAt(
      [site(partly80('/a')), site({ name: 'all', hosts: ['*.example.com'], ...partly80('/b') })],
      edge('edge', [gatewayPod], server({ hosts: ['*.example.com', 'site.example.com'] })),
    ),
    status: 'pass',
    says: /2 rules/,
  },
  {
    when: 'a host’s rules take all of its requests',
    given: allAt([site(), site({ name: 'all', hosts: ['*'] })], edge('edge', [gatewayPod])),
    status: 'pass',
    says: /2 rules/,
  },
  {
    when: 'two Gateways serve one host for HTTP: they are merged',
    given: at(
      site({ gateways: ['istio-system/edge', 'istio-system/too'] }),
      edge('edge', [gatewayPod]),
      edge('too', [gatewayPod]),
    ),
    status: 'pass',
    says: /1 rule/,
  },
  {
    when: 'an older rule takes all of a host',
    given: allAt([site(), site({ name: 'later' })], edge('edge', [gatewayPod])),
    status: 'fail',
    reason: 'RuleBehind',
    says: /bookinfo\/later has no effect on site\.example\.com: bookinfo\/reviews takes all of it at istio-system\/edge/,
  },
  {
    when: 'an older rule has the port for TCP',
    given: allAt(
      [site(stream('tcp')), site({ name: 'later', ...stream('tcp') })],
      edge('edge', [gatewayPod], server({ port: 3306, protocol: 'TCP' })),
    ),
    status: 'fail',
    reason: 'RuleBehind',
    says: /bookinfo\/later has no effect/,
  },
  {
    when: 'another Gateway has the host for TLS',
    given: at(
      site({ gateways: ['istio-system/too'] }),
      edge('edge', [gatewayPod], secure()),
      edge('too', [gatewayPod], secure()),
    ),
    status: 'fail',
    reason: 'ServerLeftOut',
    says: /port 443 \(https, HTTPS\) of Gateway istio-system\/too is left out: Gateway istio-system\/edge has a host of it there/,
  },
  {
    when: 'the rule is for the Gateway that has the host, too',
    given: at(
      site({ gateways: ['istio-system/edge', 'istio-system/too'] }),
      edge('edge', [gatewayPod], secure()),
      edge('too', [gatewayPod], secure()),
    ),
    status: 'warn',
    reason: 'GatewayTwice',
    says: /of Gateway istio-system\/too is left out/,
  },
  {
    when: 'another Gateway has the port for another protocol',
    given: at(
      site({ gateways: ['istio-system/too'] }),
      edge('edge', [gatewayPod], server({ protocol: 'TCP' })),
      edge('too', [gatewayPod]),
    ),
    status: 'fail',
    reason: 'ServerLeftOut',
    says: /Gateway istio-system\/edge has the port for TCP/,
  },
  {
    when: 'two Gateways have one name for TLS, each for a namespace',
    given: at(
      site(),
      edge('edge', [gatewayPod], secure({ hosts: ['bookinfo/site.example.com'] })),
      edge('too', [gatewayPod], secure({ hosts: ['web/site.example.com'] })),
    ),
    status: 'fail',
    reason: 'PortRefused',
    says: /^Envoy refuses port 443 whole: site\.example\.com is for istio-system\/edge \(https\) and istio-system\/too \(https\)$/,
  },
  {
    when: 'HTTPS is for every name beside plain HTTP',
    given: at(
      site(),
      edge('edge', [gatewayPod], secure({ hosts: ['*'] })),
      edge('too', [gatewayPod], server({ port: 443 })),
    ),
    status: 'fail',
    reason: 'PortRefused',
    says: /every name is for istio-system\/edge \(https\) and istio-system\/too \(http\)/,
  },
  {
    when: 'another Gateway redirects the host in its place',
    given: at(
      site({ gateways: ['istio-system/too'] }),
      edge('edge', [gatewayPod], server({ tls: 'PASSTHROUGH', redirects: true, hosts: ['*', 'site.example.com'] })),
      edge('too', [gatewayPod], server({ tls: 'PASSTHROUGH', redirects: true, hosts: ['site.example.com'] })),
    ),
    status: 'pass',
    says: /1 rule/,
  },
  {
    when: 'another Gateway redirects another host of its own alone',
    given: at(
      site({ gateways: ['istio-system/too'] }),
      edge('edge', [gatewayPod], server({ tls: 'PASSTHROUGH', redirects: true, hosts: ['a.example.com'] })),
      edge(
        'too',
        [gatewayPod],
        server({ tls: 'PASSTHROUGH', redirects: true, hosts: ['a.example.com', 'site.example.com'] }),
      ),
    ),
    status: 'fail',
    reason: 'ServerLeftOut',
    says: /Gateway istio-system\/too is left out/,
  },
  {
    when: 'a host’s rules and a wildcard’s are for two Gateways',
    given: allAt(
      [site(partly80('/a')), site({ name: 'all', hosts: ['*'], gateways: ['istio-system/too'], ...partly80('/b') })],
      edge('edge', [gatewayPod]),
      edge('too', [gatewayPod]),
    ),
    status: 'pass',
    says: /2 rules/,
  },
  {
    when: 'two servers of one Gateway have one name',
    given: at(site(), edge('edge', [gatewayPod], secure({ hosts: ['a.example.com'] }), secure())),
    status: 'fail',
    reason: 'ServerLeftOut',
    says: /its Gateway has another of that port and name/,
  },
  unseenGateways,
  noGateway,
]);

const arrived = { dumps: [told(routed('reviews', 'bookinfo/reviews'))] };
const lost = { dumps: [told(routed('reviews', null))] };
const stale = (sent: string) => ({
  got: [
    {
      pilot: { pod: workloadPod('istiod', false), version: '1.31.0', debugPort: 15014 },
      proxies: {
        got: [
          {
            proxy: 'reviews.bookinfo',
            version: null,
            types: [{ kind: 'route', sent, acked: 'a', error: '', sentAt: null }],
          },
        ],
      },
    },
  ],
});
judging(
  rulesArrived,
  [
    { when: 'they have', given: arrived, status: 'pass', says: /1 rule in 1 proxy/, plane: modern },
    {
      when: 'one has not',
      given: lost,
      status: 'fail',
      reason: 'RuleMissing',
      says: /VirtualService bookinfo\/reviews is not in bookinfo\/reviews/,
      plane: modern,
    },
    {
      when: 'the proxy is behind',
      given: { ...lost, syncs: stale('b') },
      status: 'warn',
      reason: 'ProxyBehind',
      says: /is not in/,
      plane: modern,
    },
    {
      when: 'it is not exported there',
      given: { ...lost, ...seen({ virtualServices: [rule({ namespace: 'other', exportTo: ['.'] })] }) },
      status: 'skip',
      says: /none of the rules/,
      plane: modern,
    },
    {
      when: 'Sidecar objects might explain it',
      given: { ...lost, ...seen({ missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /what could not be seen may explain/,
      plane: modern,
    },
    {
      when: 'the rule is for some callers only',
      given: {
        ...lost,
        ...seen({
          virtualServices: [rule({ http: [{ ...to('reviews'), matches: [{ sourceLabels: { app: 'other' } }] }] })],
        }),
      },
      status: 'skip',
      says: /none of the rules/,
      plane: modern,
    },
    {
      when: 'its host is no Service’s',
      given: { ...lost, ...seen({ hosted: new Set() }) },
      status: 'skip',
      says: /none of the rules/,
      plane: modern,
    },
    {
      when: 'in 1.0 its subset is routed to',
      given: { dumps: lost.dumps, ...seen({ virtualServices: [rule({ http: [to(destination('reviews', 'v2'))] })] }) },
      status: 'pass',
      says: /1 rule/,
    },
    {
      when: 'in 1.0 another subset is',
      given: { dumps: lost.dumps, ...seen({ virtualServices: [rule({ http: [to(destination('reviews', 'v3'))] })] }) },
      status: 'fail',
      reason: 'RuleMissing',
      says: /is not in/,
    },
    {
      when: 'a proxy cannot be asked',
      given: { dumps: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
      plane: modern,
    },
    {
      when: 'one of two cannot',
      given: { dumps: [...arrived.dumps, silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 2/,
      plane: modern,
    },
    { when: 'there is no sidecar', given: { dumps: [], all: [] }, status: 'skip', says: /no sidecar/, plane: modern },
    {
      when: 'there are some and none was asked',
      given: { dumps: [] },
      status: 'unknown',
      reason: 'NobodyAsked',
      says: /1 proxy there/,
      plane: modern,
    },
    {
      when: 'in 1.0 a rule leads where its host does',
      given: { dumps: lost.dumps },
      status: 'skip',
      says: /no VirtualService/,
    },
    { when: 'there are no rules', given: { ...arrived, ...seen(NONE) }, status: 'skip', says: /no VirtualService/ },
  ],
  { ...seen(), syncs: stale('a'), asked: { envoys: [envoy()], of: 1 }, all: [envoy()] },
);

const syncOf = (kind: string, error: string, acked = 'a', sentAt: number | null = null) => ({
  kind,
  sent: 'b',
  acked,
  error,
  sentAt,
});
const synced = (...types: readonly ReturnType<typeof syncOf>[]) => ({
  got: [{ pilot: null as never, proxies: { got: [{ proxy: 'a.bookinfo', version: '1.31.0', types }] } }],
});
const logged = (change: Partial<ProxyLog>) => ({
  got: [
    told(
      { current: { lines: [], complaint: null, refusal: null, requests: 0, since: null, ...change }, previous: null },
      envoy({ name: 'a' }),
    ),
  ],
});
const refusing = (at: number | null) =>
  logged({ refusal: { words: 'Only unique values for domains are permitted', at } });
const owed = { syncs: synced(syncOf('route', '')) };
judging(
  proxiesTakeRules,
  [
    {
      when: 'routes are refused',
      given: { syncs: synced(syncOf('route', 'Proto constraint validation failed')) },
      status: 'fail',
      reason: 'RulesRefused',
      says: /^bookinfo\/a refuses what Istio sends: Proto constraint/,
    },
    {
      when: 'a cluster of a rule’s host is refused',
      given: { syncs: synced(syncOf('cluster', 'outbound|9080|v1|reviews.bookinfo.svc.cluster.local: no')) },
      status: 'fail',
      reason: 'RulesRefused',
      says: /outbound/,
    },
    {
      when: 'a cluster of something else is refused',
      given: { syncs: synced(syncOf('cluster', 'outbound|9080||other.bookinfo.svc.cluster.local: no', 'b')) },
      status: 'pass',
      says: /1 proxy, none refuses/,
    },
    {
      when: 'an old release owes an answer, and its log says why',
      given: { ...owed, logs: refusing(null) },
      status: 'fail',
      reason: 'RulesRefused',
      says: /Only unique values/,
    },
    {
      when: 'its log said so a minute ago',
      given: { ...owed, logs: refusing(NOW - 60_000) },
      status: 'fail',
      reason: 'RulesRefused',
      says: /Only unique values/,
    },
    {
      when: 'its log said so two hours ago: since then it may have taken others',
      given: { ...owed, logs: refusing(NOW - 2 * 3600_000) },
      status: 'unknown',
      reason: 'AnswerOwed',
      says: /owed by bookinfo\/a: its log tells of a refusal 120 minutes ago: Only unique/,
    },
    {
      when: 'a refusal of the log is not of what is owed: nothing is',
      given: { logs: refusing(NOW - 60_000) },
      status: 'pass',
      says: /1 proxy, none refuses/,
    },
    {
      when: 'an answer is owed, and no log tells of a refusal',
      given: { ...owed, logs: logged({}) },
      status: 'unknown',
      reason: 'AnswerOwed',
      says: /an answer to routes is owed by bookinfo\/a: its log tells of no refusal/,
    },
    {
      when: 'an answer is owed, and its log was cut',
      given: { ...owed, logs: logged({ since: NOW - 60_000 }) },
      status: 'unknown',
      reason: 'AnswerOwed',
      says: /its log was read back to 2026-11-22T09:59:00\.000Z only/,
    },
    {
      when: 'an answer is owed by one that is not of the sample',
      given: { ...owed, logs: { got: [] } },
      status: 'unknown',
      reason: 'AnswerOwed',
      says: /its log was not read \(--sample\)/,
    },
    {
      when: 'a new release would tell of a refusal',
      given: { syncs: synced(syncOf('route', '', 'a', NOW)) },
      status: 'pass',
      says: /1 proxy/,
    },
    {
      when: 'an answer is owed, and the log cannot be seen',
      given: { ...owed, logs: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /its log was not seen/,
    },
    {
      when: 'the control plane cannot be asked',
      given: { syncs: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /./,
    },
    {
      when: 'one replica cannot be asked',
      given: { syncs: { got: [{ pilot: null as never, proxies: { missing: missing() } }] } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /another|other proxies may be/,
    },
    { when: 'none tells of it', given: { syncs: synced() }, status: 'skip', says: /tells nothing/ },
    { when: 'no proxy runs', given: { all: [] }, status: 'skip', says: /no proxy/ },
    { when: 'there are no rules', given: rules(NONE), status: 'skip', says: /no VirtualService/ },
    {
      when: 'not every rule was seen',
      given: rules({ missing: [missing()] }),
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every rule/,
    },
  ],
  { ...rules(), all: [envoy({ name: 'a' })], syncs: synced(syncOf('route', '', 'b')), logs: { got: [] } },
);
