import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PRODUCTPAGE, podObject } from '../support/modern.ts';
import { applied, type Istio, istioctl, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

const istioObject = (kind: string, name: string, spec: object, namespace = 'bookinfo') => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});

const service = (name: string, port: string | undefined, app = name) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'bookinfo' },
  spec: { selector: { app }, ports: [{ ...(port !== undefined && { name: port }), port: 9080 }] },
});

const rule = (name: string, host: string, change: object = {}, destination: object = {}) =>
  istioObject('VirtualService', name, {
    hosts: [host],
    http: [{ route: [{ destination: { host, ...destination } }] }],
    ...change,
  });

describe('route rules, on a real istiod with a real Envoy', () => {
  let istio: Istio;
  before(async () => {
    const plain = podObject('web-1', {
      namespace: 'bookinfo',
      labels: { app: 'web' },
      containers: [{ name: 'web', image: 'web:1' }],
      ip: '10.244.0.8',
    });
    istio = await startIstio({ objects: [plain] });
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
  });
  after(() => istio?.close());

  const seen = (...args: string[]) => report(istio.cluster.kubeconfig, ['route-rules', ...args]);
  const analyzed = (): string => istioctl(istio.cluster.kubeconfig, 'analyze', '-n', 'bookinfo');

  /** What is pushed arrives a moment later: as a user does, look again. */
  async function untilSeen(check: string, wanted: string, ...args: string[]) {
    for (let attempt = 0; ; attempt++) {
      const found = await seen(...args);
      const judged = checksOf(found.report).get(check);
      if ((judged?.reason ?? judged?.status) === wanted || attempt === 20) {
        assert.equal(judged?.reason ?? judged?.status, wanted, judged?.message);
        return { ...found, judged };
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  it('none: skipped, and healthy', async () => {
    const { report: found, code, stdout } = await seen();
    assert.deepEqual([code, found.verdict], [0, 'healthy'], stdout);
    assert.equal(checksOf(found).get('rules-arrived')?.status, 'skip');
  });

  it('one that works is in the caller’s proxy: healthy, and istioctl finds nothing', async () => {
    istio.apply(rule('productpage', 'productpage'));
    const {
      report: found,
      code,
      stdout,
    } = await untilSeen('rules-arrived', 'pass', '--from', `bookinfo/${PRODUCTPAGE}`);
    assert.deepEqual([code, found.verdict, found.unchecked], [0, 'healthy', []], stdout);
    assert.match(checksOf(found).get('rules-arrived')?.message ?? '', /^1 rule in 1 proxy$/);
    assert.equal(checksOf(found).get('caller-is-in-mesh')?.status, 'pass');
    assert.doesNotMatch(analyzed(), /VirtualService/);
  });

  it('a port that says TCP: no effect, and the rule is in no proxy', async () => {
    istio.apply(service('reviews', 'tcp', 'productpage'), rule('reviews', 'reviews'));
    const { report: found, code } = await untilSeen(
      'ports-speak-http',
      'PortNotHttp',
      'service/reviews',
      '-n',
      'bookinfo',
    );
    assert.deepEqual([code, found.lostAt?.reason], [1, 'PortNotHttp']);
    assert.match(
      checksOf(found).get('ports-speak-http')?.message ?? '',
      /^bookinfo\/reviews port tcp \(9080\) is TCP$/,
    );
    // No proxy has rules for HTTP there, by Istio's own look-up: none is missed.
    assert.equal(checksOf(found).get('rules-arrived')?.status, 'skip');
    // The pod is another Service's too, which takes the same port for HTTP: istioctl compares TCP and UDP only.
    assert.equal(checksOf(found).get('pods-belong-to-services')?.reason, 'ProtocolsConflict');
    assert.doesNotMatch(analyzed(), /IST0116/);
  });

  it('a port without a name: detected, and no doubt once the rule has arrived', async () => {
    istio.remove('service', 'reviews', 'bookinfo');
    istio.apply(service('reviews', undefined, 'productpage'));
    await untilSeen('rules-arrived', 'pass', 'service/reviews', '-n', 'bookinfo');
    const { report: found } = await seen('service/reviews', '-n', 'bookinfo');
    assert.equal(checksOf(found).get('ports-speak-http')?.status, 'pass');
    assert.match(analyzed(), /IST0118/);
    istio.remove('virtualservice', 'reviews', 'bookinfo');
  });

  it('a host that does not exist: as istioctl says, IST0101', async () => {
    istio.apply(rule('ratings', 'productpage.bookinfo.svc.cluster.local', { hosts: ['ratings'] }, { host: 'ratingz' }));
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.lostAt?.reason], [1, 'HostMissing']);
    assert.match(
      checksOf(found).get('hosts-exist')?.message ?? '',
      /bookinfo\/ratings leads to ratingz\.bookinfo\.svc\.cluster\.local/,
    );
    assert.match(analyzed(), /IST0101.*ratingz/);
    istio.remove('virtualservice', 'ratings', 'bookinfo');
  });

  it('a host with a namespace and no domain is nobody’s: IST0101', async () => {
    istio.apply(rule('ratings', 'productpage.bookinfo'));
    const { report: found } = await seen();
    assert.match(
      checksOf(found).get('hosts-exist')?.message ?? '',
      /bookinfo\/ratings leads to productpage\.bookinfo, which does not exist/,
    );
    assert.match(analyzed(), /IST0101.*productpage\.bookinfo/);
    istio.remove('virtualservice', 'ratings', 'bookinfo');
  });

  it('a subset that is not defined, and one without pods: IST0101 and IST0173', async () => {
    istio.apply(rule('reviews', 'reviews', {}, { subset: 'v9' }));
    assert.equal(checksOf((await seen()).report).get('subsets-exist')?.reason, 'SubsetMissing');
    assert.match(analyzed(), /IST0101.*v9/);
    istio.apply(
      istioObject('DestinationRule', 'reviews', {
        host: 'reviews',
        subsets: [{ name: 'v9', labels: { version: 'v9' } }],
      }),
    );
    const { report: found } = await seen();
    assert.equal(checksOf(found).get('subsets-exist')?.reason, 'SubsetEmpty');
    assert.match(analyzed(), /IST0173/);
    istio.apply(
      istioObject('DestinationRule', 'reviews', {
        host: 'reviews',
        subsets: [{ name: 'v9', labels: { version: 'v1' } }],
      }),
    );
    assert.equal(checksOf((await seen()).report).get('subsets-exist')?.status, 'pass');
  });

  it('two rules for one host: IST0109', async () => {
    istio.apply(rule('reviews-too', 'reviews'));
    assert.equal(checksOf((await seen()).report).get('one-rule-per-host')?.reason, 'HostTwice');
    assert.match(analyzed(), /IST0109/);
    istio.remove('virtualservice', 'reviews-too', 'bookinfo');
    istio.remove('virtualservice', 'reviews', 'bookinfo');
  });

  const led = (http: object): object => istioObject('VirtualService', 'reviews', { hosts: ['reviews'], http: [http] });
  const shareless = { route: ['reviews', 'productpage'].map((host) => ({ destination: { host }, weight: 0 })) };
  for (const [what, http, reason] of [
    ['weights that are all 0', shareless, 'SharesZero'],
    ['a match without a route', { match: [{ uri: { prefix: '/m' } }] }, 'RuleNowhere'],
  ] as const)
    it(`${what}: the Envoy refuses every rule of the port, and says why`, async () => {
      istio.apply(led(http));
      const { report: found, code, judged } = await untilSeen('proxies-take-rules', 'RulesRefused');
      assert.deepEqual([code, judged?.causedBy], [1, 'hosts']);
      assert.match(
        judged?.message ?? '',
        /refuses what Istio sends: (9080: )?reviews\.bookinfo\.svc\.cluster\.local:9080: WeightedCluster/,
      );
      assert.equal(checksOf(found).get('rules-lead-somewhere')?.reason, reason);
      istio.remove('virtualservice', 'reviews', 'bookinfo');
      await untilSeen('proxies-take-rules', 'pass');
    });

  it('a destination without a port, whose Service has another: a cluster that is not there', async () => {
    const other = service('other', 'http', 'productpage');
    istio.apply({ ...other, spec: { ...other.spec, ports: [{ name: 'http', port: 8080 }] } });
    istio.apply(led({ route: [{ destination: { host: 'other' } }] }));
    const { judged } = await untilSeen('destination-ports-exist', 'PortMissing');
    assert.match(judged?.message ?? '', /leads to other\.bookinfo\.svc\.cluster\.local without a port/);
    await untilSeen('rules-arrived', 'pass');
    const clusters = await (await fetch(`http://127.0.0.1:${istio.ports.admin}/clusters`)).text();
    assert.match(clusters, /outbound\|8080\|\|other\.bookinfo/);
    assert.doesNotMatch(clusters, /outbound\|9080\|\|other\.bookinfo/);
    istio.remove('virtualservice', 'reviews', 'bookinfo');
    istio.remove('service', 'other', 'bookinfo');
  });

  it('a rule for a gateway only, and one that is not exported', async () => {
    istio.apply(rule('reviews', 'reviews', { gateways: ['bookinfo-gateway'] }));
    assert.equal(checksOf((await seen()).report).get('rules-are-for-the-mesh')?.reason, 'GatewaysOnly');
    const hidden = {
      ...rule('reviews', 'reviews.bookinfo.svc.cluster.local', { exportTo: ['.'] }),
      metadata: { name: 'reviews', namespace: 'istio-system' },
    };
    istio.remove('virtualservice', 'reviews', 'bookinfo');
    istio.apply(hidden);
    const { report: found, code } = await seen(
      'service/reviews',
      '-n',
      'bookinfo',
      '--from',
      `bookinfo/${PRODUCTPAGE}`,
    );
    assert.deepEqual([code, checksOf(found).get('caller-sees-rules')?.reason], [1, 'NotExported']);
    istio.remove('virtualservice', 'reviews', 'istio-system');
  });

  it('a Sidecar object that leaves the rule out: it is not in the proxy, and that is why', async () => {
    istio.apply(istioObject('Sidecar', 'default', { egress: [{ hosts: ['istio-system/*'] }] }));
    const { report: found } = await untilSeen(
      'caller-sees-rules',
      'OutOfScope',
      'service/productpage',
      '-n',
      'bookinfo',
      '--from',
      `bookinfo/${PRODUCTPAGE}`,
    );
    assert.equal(checksOf(found).get('rules-arrived')?.status, 'skip');
    istio.remove('sidecars.networking.istio.io', 'default', 'bookinfo');
    await untilSeen('rules-arrived', 'pass');
  });

  it('a caller without a proxy', async () => {
    const { report: found, code } = await seen('--from', 'bookinfo/web-1');
    assert.deepEqual([code, found.lostAt?.reason], [1, 'CallerWithoutProxy']);
  });

  it('a pod that runs as the proxy, has no label app, and leaves its port out', async () => {
    const pod = podObject('odd-1', {
      namespace: 'bookinfo',
      labels: { kind: 'odd' },
      annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '9080' },
      containers: [
        { name: 'odd', image: 'odd:1', ports: [{ containerPort: 9080 }], securityContext: { runAsUser: 1337 } },
        { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'sidecar'] },
      ],
      ip: '10.244.0.11',
    });
    const { status, spec, ...rest } = pod;
    const path = '/api/v1/namespaces/bookinfo/pods';
    await istio.cluster.api('POST', path, { ...rest, spec: { ...spec, automountServiceAccountToken: false } });
    await istio.cluster.api('PATCH', `${path}/odd-1/status`, { status });
    const odd = service('odd', 'http');
    istio.apply({ ...odd, spec: { ...odd.spec, selector: { kind: 'odd' } } });
    const checks = checksOf((await seen()).report);
    assert.deepEqual(
      ['nobody-is-the-proxy', 'pods-are-labelled', 'container-ports-listed'].map((id) => checks.get(id)?.reason),
      ['RunsAsProxy', 'LabelsMissing', 'PortExcluded'],
    );
    istio.remove('service', 'odd', 'bookinfo');
    await istio.cluster.api('DELETE', `${path}/odd-1`, { gracePeriodSeconds: 0 }, [200, 202]);
  });

  it('an ambient namespace without a waypoint', async () => {
    const label = (labels: Record<string, string | null>) =>
      istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo', { metadata: { labels } });
    await label({ 'istio.io/dataplane-mode': 'ambient' });
    const { report: found, code } = await seen();
    assert.deepEqual([code, checksOf(found).get('waypoints-serve-rules')?.reason], [1, 'NoWaypoint']);
    await label({ 'istio.io/use-waypoint': 'waypoint' });
    assert.equal(checksOf((await seen()).report).get('waypoints-serve-rules')?.reason, 'WaypointNotReady');
    await label({ 'istio.io/dataplane-mode': null, 'istio.io/use-waypoint': null });
  });

  it('an HTTPRoute for a Service that no controller accepts', async () => {
    istio.apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: 'httproutes.gateway.networking.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'unapproved, the kind of the Gateway API' },
      },
      spec: {
        group: 'gateway.networking.k8s.io',
        scope: 'Namespaced',
        names: { plural: 'httproutes', singular: 'httproute', kind: 'HTTPRoute' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const route = (status: object) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'route', namespace: 'bookinfo' },
      spec: { parentRefs: [{ kind: 'Service', group: '', name: 'productpage' }] },
      status,
    });
    await applied(istio, route({}));
    assert.equal(checksOf((await seen()).report).get('http-routes-accepted')?.reason, 'RouteUnseen');
    const refused = { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', message: 'no such Service' };
    const parentRef = { kind: 'Service', group: '', name: 'productpage' };
    const said = { parentRef, controllerName: 'istio.io/gateway-controller' };
    istio.apply(route({ parents: [{ ...said, conditions: [{ type: 'Accepted', status: 'True' }, refused] }] }));
    const { report: found, code } = await seen();
    assert.deepEqual([code, checksOf(found).get('http-routes-accepted')?.reason], [1, 'RouteRefused']);
    istio.remove('httproutes.gateway.networking.k8s.io', 'route', 'bookinfo');
  });

  it('a rule of the old kind, which nobody reads', async () => {
    istio.apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'routerules.config.istio.io' },
      spec: {
        group: 'config.istio.io',
        scope: 'Namespaced',
        names: { plural: 'routerules', singular: 'routerule', kind: 'RouteRule' },
        versions: [
          {
            name: 'v1alpha2',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const old = {
      apiVersion: 'config.istio.io/v1alpha2',
      kind: 'RouteRule',
      metadata: { name: 'old', namespace: 'bookinfo' },
      spec: {},
    };
    await applied(istio, old);
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.lostAt?.reason], [1, 'OldRulesIgnored']);
  });

  it('without the right to list them: unknown, never green', async () => {
    const { report: found, code } = await report(istio.cluster.kubeconfigOfUser, ['route-rules']);
    assert.deepEqual([code, found.verdict], [3, 'inconclusive']);
    assert.ok(
      !found.steps.some(({ status }) => status === 'pass'),
      JSON.stringify(found.steps.map(({ id, status }) => [id, status])),
    );
  });
});
