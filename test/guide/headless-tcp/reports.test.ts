import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { reportOn } from '../../support/inputs.ts';
import { it } from '../../support/programs.ts';

/** What people reported, as the smallest objects that show it, written anew, and what is right to say of it. */

interface PodOptions {
  labels?: string;
  annotations?: string;
  containers?: string;
  proxied?: boolean;
  owner?: string;
}

const pod = (
  name: string,
  { labels = 'app: app', annotations = '', containers = '', proxied = true, owner = '' }: PodOptions = {},
): string => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: bookinfo, labels: { ${labels}${proxied ? ', security.istio.io/tlsMode: istio' : ''} }, annotations: { ${annotations} }${owner && `, ownerReferences: [{ kind: StatefulSet, name: ${owner} }]`} }
spec:
  containers:
  - { name: app, ${containers || 'image: "app:1", ports: [{ containerPort: 80 }]'} }
${proxied ? '  - { name: istio-proxy, image: "istio/proxyv2:1.31.0" }' : ''}
`;

const service = (name: string, ports: string, { clusterIP = '10.0.0.9', app = 'app' } = {}): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: bookinfo }
spec: { selector: { app: ${app} }, clusterIP: ${clusterIP}, ports: [${ports}] }
`;

const peers = (spec: string, namespace = 'bookinfo'): string => `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: peers, namespace: ${namespace} }
spec: { ${spec} }
`;

const dated = (spec: string, name: string, creationTimestamp: string): string =>
  peers(spec).replace('name: peers', `name: ${name}, creationTimestamp: "${creationTimestamp}"`);

const rule = (spec: string): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: rule, namespace: bookinfo }
spec: { host: app, ${spec} }
`;

const route = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: route, namespace: bookinfo }
spec: { hosts: [app], http: [{ route: [{ destination: { host: app, subset: v1 } }] }] }
`;

const set = (serviceName: string): string => `---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: app, namespace: bookinfo }
spec: { replicas: 3, serviceName: ${serviceName} }
`;

const HTTP = '{ name: http, port: 8000, targetPort: 80 }';
const STRICT = 'mtls: { mode: STRICT }';
const APP = 'selector: { matchLabels: { app: app } }';
const labels = 'app: app, version: v1';
const member = pod('app-0', { owner: 'app' });

const REPORTS: readonly [
  report: string,
  input: string,
  check: string,
  status: string,
  reason: string | null,
  says: RegExp,
][] = [
  [
    'istio/istio#30311: a port that is kept from the sidecar gets Istio’s own mutual TLS',
    service('app', HTTP) + pod('app-1', { annotations: 'traffic.sidecar.istio.io/excludeInboundPorts: "80"' }),
    'mtls-is-understood',
    'warn',
    'MtlsNotTaken',
    /Istio by itself \(mutual TLS\) to bookinfo\/app, from bookinfo/,
  ],
  [
    'istio/istio#56084: a pod that is strict in a mesh that says DISABLE gets plain text',
    service('app', HTTP) + pod('app-1') + peers('mtls: { mode: DISABLE }', 'istio-system') + peers(`${APP}, ${STRICT}`),
    'mtls-is-understood',
    'fail',
    'StrictRefusesPlain',
    /Istio by itself \(plain text\) to bookinfo\/app/,
  ],
  [
    'istio/istio#31425: a DestinationRule that says DISABLE opens no pod that is strict',
    service('app', HTTP) + pod('app-1') + peers(STRICT) + rule('trafficPolicy: { tls: { mode: DISABLE } }'),
    'mtls-is-understood',
    'fail',
    'StrictRefusesPlain',
    /DestinationRule bookinfo\/rule \(DISABLE\) to bookinfo\/app/,
  ],
  [
    'istio/istio#34508: a port’s settings are for subsets without a policy too',
    service('app', HTTP) +
      pod('app-1', { labels }) +
      peers(STRICT) +
      route +
      rule(
        'trafficPolicy: { portLevelSettings: [{ port: { number: 8000 }, tls: { mode: SIMPLE } }] }, subsets: [{ name: v1, labels: { version: v1 } }]',
      ),
    'mtls-is-understood',
    'fail',
    'StrictRefusesPlain',
    /\(SIMPLE\) to bookinfo\/app subset v1/,
  ],
  [
    'istio/istio#7666: a subset’s mutual TLS is no fault of a rule that says DISABLE',
    service('app', HTTP) +
      pod('app-1', { labels }) +
      peers(STRICT) +
      route +
      rule(
        'trafficPolicy: { tls: { mode: DISABLE } }, subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]',
      ),
    'mtls-is-understood',
    'pass',
    null,
    /\(ISTIO_MUTUAL\) to bookinfo\/app subset v1/,
  ],
  [
    'istio/istio#39439: a port of a headless Service that is plain gets mutual TLS',
    service('app', HTTP, { clusterIP: 'None' }) +
      pod('app-1') +
      peers(`${APP}, ${STRICT}, portLevelMtls: { 80: { mode: DISABLE } }`),
    'mtls-is-understood',
    'warn',
    'MtlsNotTaken',
    /Istio by itself \(mutual TLS\) to bookinfo\/app/,
  ],
  [
    'istio/istio#27831: a headless Service in a strict mesh is no fault',
    service('app', HTTP, { clusterIP: 'None' }) + pod('app-1') + peers(STRICT, 'istio-system'),
    'mtls-is-understood',
    'pass',
    null,
    /Istio by itself \(mutual TLS\) to bookinfo\/app/,
  ],
  [
    'istio/istio#23673: a headless Service whose pods have no sidecar gets plain text',
    service('app', HTTP, { clusterIP: 'None' }) + pod('app-1', { proxied: false }),
    'mtls-is-understood',
    'pass',
    null,
    /Istio by itself \(plain text\) to bookinfo\/app/,
  ],
  [
    'a pod whose label says that it takes no mutual TLS, in a strict mesh',
    service('app', HTTP) + pod('app-1').replace('tlsMode: istio', 'tlsMode: disabled') + peers(STRICT, 'istio-system'),
    'mtls-is-understood',
    'fail',
    'StrictRefusesPlain',
    /Istio by itself \(plain text\) to bookinfo\/app; not labelled security\.istio\.io\/tlsMode=istio: bookinfo\/app-1$/,
  ],
  ...['MUTUAL, clientCertificate: /a, privateKey: /b', 'SIMPLE'].map((mode): (typeof REPORTS)[number] => [
    `TLS of a rule’s own: ${mode}`,
    service('app', HTTP) + pod('app-1') + rule(`trafficPolicy: { tls: { mode: ${mode} } }`),
    'mtls-is-understood',
    'skip',
    null,
    /^TLS of a rule’s own is not looked at: DestinationRule bookinfo\/rule \((MUTUAL|SIMPLE)\) to bookinfo\/app$/,
  ]),
  [
    'a port without a mode below ISTIO_MUTUAL, for pods that take none there',
    service('app', HTTP) +
      pod('app-1') +
      peers(`${APP}, portLevelMtls: { 80: { mode: DISABLE } }`) +
      rule(
        'trafficPolicy: { tls: { mode: ISTIO_MUTUAL }, portLevelSettings: [{ port: { number: 8000 }, connectionPool: { tcp: { maxConnections: 9 } } }] }',
      ),
    'mtls-is-understood',
    'warn',
    'MtlsNotTaken',
    /Istio by itself \(mutual TLS\) to bookinfo\/app/,
  ],
  [
    'a pod without the label that says so, in a strict mesh',
    service('app', HTTP) +
      pod('app-1').replace(', security.istio.io/tlsMode: istio', '') +
      peers(STRICT, 'istio-system'),
    'mtls-is-understood',
    'fail',
    'StrictRefusesPlain',
    /Istio by itself \(plain text\) to bookinfo\/app; not labelled security\.istio\.io\/tlsMode=istio: bookinfo\/app-1$/,
  ],
  [
    'istio/istio#49098: portLevelMtls names the Service’s port',
    service('app', HTTP) + pod('app-1') + peers(`${APP}, portLevelMtls: { 8000: { mode: STRICT } }`),
    'peer-authentications-count',
    'warn',
    'PortOfService',
    /bookinfo\/peers names 8000/,
  ],
  [
    'istio/istio#27994: portLevelMtls for the whole mesh',
    pod('app-1') + peers(`${STRICT}, portLevelMtls: { 9090: { mode: DISABLE } }`, 'istio-system'),
    'peer-authentications-count',
    'warn',
    'PortsWithoutSelector',
    /istio-system\/peers/,
  ],
  [
    'istio/istio#61023: a selector in the root namespace',
    pod('app-1') + peers(`${APP}, ${STRICT}`, 'istio-system'),
    'peer-authentications-count',
    'warn',
    'SelectorInRoot',
    /istio-system\/peers/,
  ],
  [
    'two PeerAuthentications for one namespace: the younger is not in force',
    pod('app-1') +
      dated('mtls: { mode: PERMISSIVE }', 'old', '2026-01-01T00:00:00Z') +
      dated(STRICT, 'new', '2026-02-01T00:00:00Z'),
    'peer-authentications-count',
    'warn',
    'Shadowed',
    /bookinfo\/new is not in force, old is older/,
  ],
  [
    'a PeerAuthentication whose selector is misspelt',
    pod('app-1') + peers(`selector: { matchLabels: { app: ap } }, ${STRICT}`),
    'peer-authentications-count',
    'warn',
    'SelectsNothing',
    /no pod has the labels of bookinfo\/peers \(app=ap\)/,
  ],
  [
    'istio/istio#27997: a pod of somebody else’s that cannot have a sidecar, beside one that is strict',
    service('app', HTTP) + pod('app-1') + peers(STRICT) + pod('library-1', { labels: 'app: library', proxied: false }),
    'strict-is-called-by-proxies',
    'warn',
    'StrictBesidePlainCallers',
    /bookinfo\/app .*: bookinfo\/library-1$/,
  ],
  [
    'minio/operator#771: a database behind a Service that does not say so',
    service('prod-log-hl-svc', '{ name: http-log, port: 5432 }', { clusterIP: 'None' }) +
      pod('prod-log-0', { containers: 'image: "library/postgres:13"' }),
    'databases-are-not-http',
    'fail',
    'DatabaseIsHttp',
    /prod-log-hl-svc port http-log \(5432, PostgreSQL’s\) is HTTP/,
  ],
  [
    'sonatype/nxrm3-ha-repository#51: the headless Service of a StatefulSet was never made',
    service('app', HTTP) + member + set('app-headless'),
    'stateful-sets-are-headless',
    'warn',
    'HeadlessServiceMissing',
    /bookinfo\/app names Service app-headless, which does not exist/,
  ],
  [
    'grafana/alloy#6316: a StatefulSet names the Service that is not headless',
    service('app', HTTP) + service('app-cluster', HTTP, { clusterIP: 'None' }) + member + set('app'),
    'stateful-sets-are-headless',
    'warn',
    'ServiceNotHeadless',
    /bookinfo\/app names Service app, which is not headless/,
  ],
];

describe('public reports of TCP connections, recreated', () => {
  for (const [report, input, id, status, reason, says] of REPORTS)
    it(report, async () => {
      const { steps } = await reportOn(input, 'headless-tcp');
      const found = steps.flatMap(({ checks }) => checks).find((check) => check.id === id);
      assert.deepEqual([found?.status, found?.reason], [status, reason], found?.message);
      assert.match(found?.message ?? '', says);
    });
});
