import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { apiGateways, barrierTo, gatewayRoutes } from '../../src/evidence/istio/gateway-api.ts';
import { PRODUCTPAGE } from '../support/modern.ts';
import { routeCase } from '../support/routes.ts';
import { askOf } from './asking.ts';
import { applied, type Istio, istioctl, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

/** `ROUTES_SEED=7 ROUTES=200 npm run e2e -- gateway-api` tries others, and more of them. */
const SEED = Number(process.env.ROUTES_SEED ?? 1);
const NUMBER = Number(process.env.ROUTES ?? 40);
const SPACES: Readonly<Record<string, Record<string, string>>> = { bookinfo: { team: 'a' }, shop: { team: 'b' } };

describe(`the Gateway API, seed ${SEED}, as a real istiod says of it`, () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio({ definitions: ['tests/integration/pilot/testdata/gateway-api-crd.yaml'] });
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
    istio.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: SPACES.shop } });
    await istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo', { metadata: { labels: SPACES.bookinfo } });
  });
  after(() => istio?.close());

  const KINDS = ['gateways', 'httproutes', 'grpcroutes'].map((kind) => `${kind}.gateway.networking.k8s.io`).join(',');
  const listed = async () => {
    const { items } = JSON.parse(istio.kubectl('get', KINDS, '-A', '-o', 'json')) as { items: KubernetesObject[] };
    const { from } = askOf(items);
    const [routes, gateways] = await Promise.all([from(gatewayRoutes), from(apiGateways)]);
    return { routes: routes.items, gateways: gateways.items };
  };

  it('which routes a Gateway takes, and why not the others: as istiod', async () => {
    await applied(istio, ...Array.from({ length: NUMBER }, (_, index) => routeCase(SEED, index)).flat());
    let found = await listed();
    // Of a Gateway that is not there it says nothing.
    const isSaid = ({ routes }: typeof found): boolean =>
      routes.every(({ parents }) =>
        parents.every(({ name, conditions }) => name === 'gone' || conditions.some(({ type }) => type === 'Accepted')),
      );
    for (let attempt = 0; attempt < 60 && !isSaid(found); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      found = await listed();
    }
    assert.ok(isSaid(found), 'istiod has not said something of every route');
    const reasons = new Map<string, number>();
    const wrong = found.routes.flatMap((route) =>
      route.parents.flatMap((parent) => {
        const gateway = found.gateways.find(({ name }) => name === parent.name);
        const accepted = parent.conditions.find(({ type }) => type === 'Accepted');
        const theirs = accepted?.status === 'True' ? 'Accepted' : (accepted?.reason ?? 'nothing');
        const ours = gateway
          ? (barrierTo(gateway, route, parent, SPACES[route.namespace] ?? {})?.why ?? 'Accepted')
          : 'nothing';
        reasons.set(theirs, (reasons.get(theirs) ?? 0) + 1);
        return theirs === ours
          ? []
          : [`${route.kind} ${route.name}: istiod ${theirs} (${accepted?.message}), we ${ours}`];
      }),
    );
    process.stdout.write(`# ${JSON.stringify(Object.fromEntries(reasons))}\n`);
    assert.deepEqual(wrong, []);
    assert.ok(NUMBER < 40 || reasons.size >= 4);
  });

  it('a route of a namespace that the Gateway leaves out: in words, and istiod’s beside', async () => {
    istio.kubectl('delete', KINDS, '-A', '--all');
    const route = (change: object) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'site', namespace: 'bookinfo' },
      spec: {
        parentRefs: [{ name: 'edge', namespace: 'istio-system', ...change }],
        rules: [{ backendRefs: [{ name: 'productpage', port: 9080 }] }],
      },
    });
    const gateway = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'edge', namespace: 'istio-system' },
      spec: { gatewayClassName: 'istio', listeners: [{ name: 'web', port: 80, protocol: 'HTTP' }] },
    };
    istio.apply(gateway, route({}));
    const untilSaid = async (check: string, wanted: string) => {
      for (let attempt = 0; ; attempt++) {
        const found = await report(istio.cluster.kubeconfig, ['route-rules']);
        const judged = checksOf(found.report).get(check);
        if ((judged?.reason ?? judged?.status) === wanted || attempt === 30) {
          assert.equal(judged?.reason ?? judged?.status, wanted, judged?.message);
          return judged;
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    };
    const barred = await untilSaid('http-routes-accepted', 'RouteNotAllowed');
    assert.match(
      barred?.message ?? '',
      /^HTTPRoute bookinfo\/site is for Gateway istio-system\/edge, which takes routes from its own namespace only at listener web: the route is in bookinfo$/,
    );
    for (let attempt = 0; attempt < 30; attempt++) {
      const said = istioctl(istio.cluster.kubeconfig, 'analyze', '-A');
      if (/IST0171.*HTTPRoute bookinfo\/site.*NotAllowedByListeners/.test(said)) break;
      if (attempt === 29) assert.fail(said);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    // Nobody runs its pods: no controller gives it an address, and istiod says so.
    const programmed = await untilSaid('api-gateways-programmed', 'GatewayNotProgrammed');
    assert.match(
      istioctl(istio.cluster.kubeconfig, 'analyze', '-A'),
      /IST0171.*Gateway istio-system\/edge.*Programmed/,
    );
    assert.match(programmed?.message ?? '', /^Gateway istio-system\/edge: /);
    istio.apply(route({ sectionName: 'tls' }));
    await untilSaid('http-routes-accepted', 'ParentMissing');
    istio.apply(route({ name: 'gone' }));
    await untilSaid('http-routes-accepted', 'ParentMissing');
  });
});
