import type { RecordedObject, Recording } from './recordings.ts';

/** The smallest mesh of a current release: bookinfo's productpage and reviews, and one istiod. */
export const ISTIOD = 'istiod-7c9d5f8b6-abcde';
export const PRODUCTPAGE = 'productpage-v1-6d8bc58dd7-4xk2p';

interface PodOptions {
  namespace: string;
  labels: Record<string, string>;
  containers: readonly object[];
  annotations?: Record<string, string>;
  ready?: boolean;
  ip?: string;
  startTime?: string;
}

export const podObject = (
  name: string,
  { namespace, labels, containers, annotations = {}, ready = true, ip = '10.244.0.5', startTime }: PodOptions,
): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels, annotations } as RecordedObject['metadata'],
  spec: { nodeName: 'node-1', containers },
  status: {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    startTime: startTime ?? '2026-11-22T04:00:00Z',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: containers.map((each) => ({
      name: (each as { name: string }).name,
      image: 'x',
      imageID: '',
      ready,
      restartCount: 0,
      state: { running: { startedAt: '2026-11-22T04:00:00Z' } },
    })),
  },
});

const serviceObject = (
  name: string,
  namespace: string,
  selector: Record<string, string>,
  ports: readonly object[],
): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels: selector },
  spec: { selector, ports },
});

const namespaceObject = (name: string, labels: Record<string, string> = {}): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

export const istiodObject = (change: Partial<PodOptions> = {}, name = ISTIOD): RecordedObject =>
  podObject(name, {
    namespace: 'istio-system',
    labels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': 'default' },
    containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.31.0' }],
    ip: '10.244.0.4',
    ...change,
  });

export const productpageObject = (change: Partial<PodOptions> = {}, name = PRODUCTPAGE): RecordedObject =>
  podObject(name, {
    namespace: 'bookinfo',
    labels: { app: 'productpage', version: 'v1', 'security.istio.io/tlsMode': 'istio' },
    containers: [
      { name: 'productpage', image: 'productpage:1', ports: [{ containerPort: 9080 }] },
      { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'sidecar'] },
    ],
    ...change,
  });

export interface WebhookOptions {
  kind?: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  name?: string;
  caBundle?: string;
  failurePolicy?: 'Fail' | 'Ignore';
  service?: { namespace: string; name: string; port?: number };
  url?: string;
  /** Which namespaces it is called for, by a label: as Istio's own by default. Pods of tests have a label that keeps them from it. */
  namespaceSelector?: object;
  objectSelector?: object;
}

export const webhookObject = ({
  kind = 'MutatingWebhookConfiguration',
  name = 'istio-sidecar-injector',
  caBundle = '',
  failurePolicy = 'Fail',
  service = { namespace: 'istio-system', name: 'istiod', port: 443 },
  url,
  objectSelector = { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] },
  namespaceSelector = { matchLabels: { 'istio-injection': 'enabled' } },
}: WebhookOptions = {}): RecordedObject & { webhooks: unknown } => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name },
  webhooks: [
    {
      name: kind === 'MutatingWebhookConfiguration' ? 'sidecar-injector.istio.io' : 'validation.istio.io',
      clientConfig: { ...(url === undefined ? { service: { ...service, path: '/inject' } } : { url }), caBundle },
      failurePolicy,
      namespaceSelector,
      objectSelector,
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 2,
    },
  ],
});

/** A mesh as a recording, for the stand-in and for the real API server alike. */
export const modernMesh = (...more: readonly RecordedObject[]): Recording => ({
  name: 'istio-1.31.0/made',
  broken: null,
  objects: [
    namespaceObject('istio-system'),
    namespaceObject('bookinfo', { 'istio-injection': 'enabled' }),
    serviceObject('istiod', 'istio-system', { app: 'istiod' }, [
      { name: 'grpc-xds', port: 15010 },
      { name: 'https-dns', port: 15012 },
      { name: 'https-webhook', port: 443, targetPort: 15017 },
      { name: 'http-monitoring', port: 15014 },
    ]),
    serviceObject('productpage', 'bookinfo', { app: 'productpage' }, [{ name: 'http', port: 9080 }]),
    ...more,
  ],
  pages: new Map(),
  logs: new Map(),
  queries: {},
});
