import { dump } from 'js-yaml';
import { isAtLeast } from '../../../src/istio/release.ts';
import type { RecordedObject } from '../recordings.ts';
import { configMap, definition, object, owned } from './objects.ts';
import type { Spec } from './spec.ts';

const SYSTEM = 'istio-system';

/** A name with its revision, as the charts append it. */
const revised = ({ revision }: Spec, name: string): string => (revision === 'default' ? name : `${name}-${revision}`);

interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

const absent = (key: string): Requirement => ({ key, operator: 'DoesNotExist' });
const isOne = (key: string, ...values: string[]): Requirement => ({ key, operator: 'In', values });
const INJECT = 'sidecar.istio.io/inject';
const notRefused: Requirement = { key: INJECT, operator: 'NotIn', values: ['false'] };

/** The injector's webhooks with their selectors (istio-discovery/templates/mutatingwebhook.yaml). */
function webhooks(spec: Spec): RecordedObject {
  const { revision } = spec;
  const one = (name: string, ofNamespace: Requirement[], ofPod: Requirement[]): object => ({
    name: `${name}sidecar-injector.istio.io`,
    clientConfig: { service: { name: revised(spec, 'istiod'), namespace: SYSTEM, path: '/inject', port: 443 } },
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    namespaceSelector: { matchExpressions: ofNamespace },
    objectSelector: { matchExpressions: ofPod },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  });
  const [rev, injection] = ['istio.io/rev', 'istio-injection'];
  const ofRevision = [
    one('rev.namespace.', [isOne(rev, revision), absent(injection)], [notRefused]),
    one('rev.object.', [absent(rev), absent(injection)], [notRefused, isOne(rev, revision)]),
  ];
  const ofDefault = [
    one('namespace.', [isOne(injection, 'enabled')], [notRefused]),
    one('object.', [absent(injection), absent(rev)], [isOne(INJECT, 'true'), absent(rev)]),
  ];
  return object(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    { name: revised(spec, 'istio-sidecar-injector'), labels: { app: 'sidecar-injector', [rev]: revision } },
    {
      webhooks: !isAtLeast(spec.release, '1.10')
        ? [one('', [isOne(injection, 'enabled')], [])]
        : [...ofRevision, ...(revision === 'default' ? ofDefault : [])],
    },
  );
}

/** Istio's kinds, in the versions that a release serves. */
const definitions = ({ release }: Spec): readonly RecordedObject[] => [
  ...(isAtLeast(release, '1.10')
    ? [
        definition('Telemetry', 'telemetries', 'telemetry.istio.io', [
          ...(isAtLeast(release, '1.22') ? ['v1'] : []),
          'v1alpha1',
        ]),
      ]
    : []),
  definition('EnvoyFilter', 'envoyfilters', 'networking.istio.io', ['v1alpha3']),
  definition('Sidecar', 'sidecars', 'networking.istio.io', [
    ...(isAtLeast(release, '1.22') ? ['v1'] : []),
    'v1beta1',
    'v1alpha3',
  ]),
];

const PORTS = [
  { containerPort: 8080, protocol: 'TCP' },
  { containerPort: 15010, protocol: 'TCP' },
  { containerPort: 15017, protocol: 'TCP' },
  { containerPort: 15014, protocol: 'TCP' },
];

/** An istiod at an address, with its Service, ConfigMaps, webhooks and the kinds that it knows. */
export function controlPlane(spec: Spec, address: string): readonly RecordedObject[] {
  const name = revised(spec, 'istiod');
  const selector = { app: 'istiod', 'istio.io/rev': spec.revision };
  const labels = { ...selector, istio: spec.revision === 'default' ? 'pilot' : 'istiod' };
  const template = {
    labels: { ...labels, [INJECT]: 'false' },
    annotations: isAtLeast(spec.release, '1.6')
      ? { 'prometheus.io/port': '15014', 'prometheus.io/scrape': 'true', [INJECT]: 'false' }
      : {},
    spec: {
      serviceAccountName: 'istiod',
      containers: [
        {
          name: 'discovery',
          image: `istio/pilot:${spec.release}`,
          args: ['discovery', '--monitoringAddr=:15014'],
          env: [
            { name: 'REVISION', value: spec.revision },
            { name: 'CLUSTER_ID', value: spec.cluster },
            ...(spec.ambient ? [{ name: 'PILOT_ENABLE_AMBIENT', value: 'true' }] : []),
          ],
          ports: PORTS,
        },
      ],
    },
  };
  const own = { 'istio.io/rev': spec.revision };
  return [
    ...owned({ kind: 'Deployment', name, namespace: SYSTEM, selector, template, pod: template, addresses: [address] }),
    object(
      'v1',
      'Service',
      { name, namespace: SYSTEM, labels },
      {
        spec: {
          selector,
          ports: [
            { name: 'grpc-xds', port: 15010 },
            { name: 'https-dns', port: 15012 },
            { name: 'https-webhook', port: 443, targetPort: 15017 },
            { name: 'http-monitoring', port: 15014 },
          ],
        },
      },
    ),
    configMap(SYSTEM, revised(spec, 'istio'), { mesh: dump(spec.mesh), meshNetworks: 'networks: {}' }, own),
    configMap(
      SYSTEM,
      revised(spec, 'istio-sidecar-injector'),
      {
        config: 'policy: enabled\nalwaysInjectSelector: []\nneverInjectSelector: []\ndefaultTemplates: [sidecar]\n',
        values: JSON.stringify({
          global: { istioNamespace: SYSTEM, hub: 'istio', tag: spec.release, proxy: { image: 'proxyv2' } },
          revision: spec.revision,
          sidecarInjectorWebhook: { enableNamespacesByDefault: false },
        }),
      },
      own,
    ),
    webhooks(spec),
    ...definitions(spec),
  ];
}
