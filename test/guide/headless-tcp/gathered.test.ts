import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { topics } from '../../../src/guide/index.ts';
import { reportOn } from '../../support/inputs.ts';
import { it } from '../../support/programs.ts';
import { checkOf } from '../../support/run.ts';

/** Gathered through the real kubectl: what the judges' own tests are handed. */

const SHOP = `
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: bookinfo }
spec: { selector: { app: shop }, clusterIP: 10.0.0.1, ports: [{ name: tcp, port: 80, targetPort: shop }, { name: tcp-2, port: 81 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: shop-1, namespace: bookinfo, labels: { app: shop, version: v1, security.istio.io/tlsMode: istio } }
spec:
  containers:
  - { name: shop, image: "shop:1", ports: [{ name: shop, containerPort: 8080 }] }
  - { name: istio-proxy, image: "istio/proxyv2:1.31.0", args: [proxy, sidecar] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: bookinfo }
spec: { mtls: { mode: STRICT } }
`;

const ruled = (spec: string) => `${SHOP}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop, namespace: bookinfo }
spec: { host: shop, ${spec} }
`;

const ROUTE = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: bookinfo }
spec: { hosts: [shop], tcp: [{ route: [{ destination: { host: shop, subset: v1 } }] }] }
`;

const routedBy = (kind: string, match: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: bookinfo }
spec: { hosts: [shop], ${kind}: [{ match: [${match}], route: [{ destination: { host: shop, port: { number: 80 } } }] }] }
`;
const PLAIN_81 = ruled('trafficPolicy: { portLevelSettings: [{ port: { number: 81 }, tls: { mode: DISABLE } }] }');

const SET = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: shop, namespace: bookinfo }
spec: { replicas: 2, serviceName: shop }
---
apiVersion: v1
kind: Pod
metadata: { name: shop-0, namespace: bookinfo, labels: { app: shop, security.istio.io/tlsMode: istio }, ownerReferences: [{ kind: StatefulSet, name: shop }] }
spec: { containers: [{ name: shop, image: "shop:1" }, { name: istio-proxy, image: "istio/proxyv2:1.31.0" }] }
`;

describe('StatefulSets', () => {
  it('are asked for by one check of this topic', async () => {
    const found = checkOf(await reportOn(SET, 'headless-tcp'), 'stateful-sets-are-headless');
    assert.equal(found?.reason, 'HeadlessServiceMissing', found?.message);
    assert.deepEqual(
      found?.commands.filter((each) => each.includes('statefulset')),
      ['kubectl get statefulsets --all-namespaces'],
    );
    const requests: string[] = [];
    for (const topic of await topics())
      if (topic.id !== 'headless-tcp')
        requests.push(...topic.sources.flatMap(({ rights }) => rights.map(({ resource }) => resource)));
    assert.ok(!requests.includes('statefulsets'));
  });
  it('that may not be listed cost that check only', async () => {
    const faults = [{ match: /^GET \/apis\/apps\/v1\/.*statefulsets/, fault: 'forbid' as const }];
    const report = await reportOn(SET, 'headless-tcp', { faults });
    const unknown = report.steps.flatMap(({ checks }) => checks).filter(({ reason }) => reason === 'Forbidden');
    assert.deepEqual(
      unknown.map(({ id, message }) => [id, message]),
      [['stateful-sets-are-headless', 'not allowed: list statefulsets']],
    );
  });
});

describe('what callers speak', () => {
  const cases: readonly [when: string, text: string, status: string, says: RegExp][] = [
    [
      'plain text is for one port',
      ruled('trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: DISABLE } }] }'),
      'fail',
      /to bookinfo\/shop port 80$/,
    ],
    ['a mode is left out', ruled('trafficPolicy: { tls: {} }'), 'fail', /\(DISABLE\) to bookinfo\/shop$/],
    [
      'plain text is for all but the ports that there are',
      ruled(
        'trafficPolicy: { tls: { mode: DISABLE }, portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL } }, { port: { number: 81 }, tls: { mode: ISTIO_MUTUAL } }] }',
      ),
      'pass',
      /\(ISTIO_MUTUAL\) to bookinfo\/shop$/,
    ],
    [
      'plain text is for a subset that no rule leads to',
      ruled('subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: DISABLE } } }]'),
      'skip',
      /no DestinationRule/,
    ],
    [
      'plain text is for a subset that a rule leads to',
      ruled('subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: DISABLE } } }]') + ROUTE,
      'fail',
      /to bookinfo\/shop subset v1$/,
    ],
    [
      'plain text is for all but the subset that a rule leads to',
      ruled(
        'trafficPolicy: { tls: { mode: DISABLE } }, subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]',
      ) + ROUTE,
      'pass',
      /\(ISTIO_MUTUAL\) to bookinfo\/shop subset v1$/,
    ],
    [
      'plain text is for another port than a rule for TCP leads',
      PLAIN_81 + routedBy('tcp', '{ port: 80 }'),
      'fail',
      /to bookinfo\/shop port 81$/,
    ],
    [
      'plain text is for a port of TCP that a rule for TLS names',
      PLAIN_81 + routedBy('tls', '{ port: 81, sniHosts: [shop] }'),
      'fail',
      /to bookinfo\/shop port 81$/,
    ],
    [
      'plain text is for a port that a rule for TCP leads away from',
      PLAIN_81 + routedBy('tcp', '{ port: 81 }'),
      'skip',
      /no DestinationRule/,
    ],
  ];
  for (const [when, text, status, says] of cases)
    it(`is ${status === 'fail' ? 'refused' : 'not refused'} when ${when}`, async () => {
      const found = checkOf(await reportOn(text, 'headless-tcp'), 'mtls-is-understood');
      assert.equal(found?.status, status, found?.message);
      assert.match(found?.message ?? '', says);
    });
});
