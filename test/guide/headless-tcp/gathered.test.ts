import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../../../src/report/report.ts';
import { reportOn } from '../../support/inputs.ts';
import { it } from '../../support/programs.ts';

/** Gathered through the real kubectl: what the judges' own tests are handed. */

const checkOf = (report: Report, id: string) =>
  report.steps.flatMap(({ checks }) => checks).find((check) => check.id === id);

const SHOP = `
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: bookinfo }
spec: { selector: { app: shop }, clusterIP: 10.0.0.1, ports: [{ name: tcp, port: 80, targetPort: shop }, { name: tcp-2, port: 81 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: shop-1, namespace: bookinfo, labels: { app: shop, version: v1 } }
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
  ];
  for (const [when, text, status, says] of cases)
    it(`is ${status === 'fail' ? 'refused' : 'not refused'} when ${when}`, async () => {
      const found = checkOf(await reportOn(text, 'headless-tcp'), 'mtls-is-understood');
      assert.equal(found?.status, status, found?.message);
      assert.match(found?.message ?? '', says);
    });
});
