import { shellLine, shellWord } from '../../../cluster/question/shell.ts';
import type { ControlPlane } from '../../../diagnosis/check.ts';
import { proxyNamed } from '../../../evidence/istio/sync.ts';
import type { MetricsTold } from '../../../evidence/istio/told.ts';
import { meshName } from '../../../evidence/kubernetes/config-maps.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { isNamespaceWide } from '../../../istio/attachment.ts';
import type { MeshMetrics } from '../../../istio/metrics-providers.ts';
import { isAtLeast } from '../../../istio/release.ts';
import { fitsVersion } from '../../../istio/stats-filters.ts';
import { restartOf } from '../../templates.ts';
import { discoverNamespace } from '../discover.ts';
import type { Culprit, Loss } from './losses.ts';

const PLURALS = {
  Telemetry: 'telemetries.telemetry.istio.io',
  EnvoyFilter: 'envoyfilters.networking.istio.io',
} as const;

/** `kubectl -n istio-system edit telemetries.telemetry.istio.io off`. */
export const objectLine = (verb: string, { kind, object }: Culprit, ...more: readonly string[]): string =>
  shellLine('kubectl', '-n', object.namespace, verb, PLURALS[kind], object.name, ...more);

/** The names of those that lie where the first does, for one command. */
const namesBeside = ([first, ...others]: readonly Culprit[]): readonly string[] =>
  others.filter(({ object }) => object.namespace === first?.object.namespace).map(({ object }) => object.name);

/** The same for several objects of one namespace. */
export const objectsLine = (verb: string, culprits: readonly Culprit[], ...more: readonly string[]): string =>
  culprits[0] ? objectLine(verb, culprits[0], ...namesBeside(culprits), ...more) : '';

const note = (line: string, what: string): string => `${line}   # ${what}`;

/** Edits MeshConfig, which istiod reads anew by itself. */
const editMesh = ({ namespace, revision }: ControlPlane): string =>
  shellLine('kubectl', '-n', namespace ?? 'istio-system', 'edit', 'configmap', meshName(revision));

const PROVIDERS = [{ name: 'prometheus' }];

/** Names the provider for the whole mesh: in the object that is for the whole mesh already, since another would be passed over. */
function nameProvider({ config }: MetricsTold, { namespace, version }: ControlPlane): string {
  const root = config?.mesh.rootNamespace ?? namespace ?? 'istio-system';
  if (version !== null && !isAtLeast(version, '1.12'))
    return 'istioctl manifest generate --set values.telemetry.enabled=true --set values.telemetry.v2.enabled=true --set values.telemetry.v2.prometheus.enabled=true   # with the settings of this mesh; read it, then kubectl apply -f -';
  const whole = config?.telemetries.get(root)?.find(isNamespaceWide);
  if (whole) {
    const change =
      whole.metrics.length === 0
        ? { op: 'add', path: '/spec/metrics', value: [{ providers: PROVIDERS }] }
        : { op: 'add', path: '/spec/metrics/0/providers', value: PROVIDERS };
    return objectLine('patch', { kind: 'Telemetry', object: whole }, '--type=json', '-p', JSON.stringify([change]));
  }
  const manifest = {
    apiVersion: 'telemetry.istio.io/v1alpha1',
    kind: 'Telemetry',
    metadata: { name: 'mesh-metrics', namespace: root },
    spec: { metrics: [{ providers: PROVIDERS }] },
  };
  return `echo ${shellWord(JSON.stringify(manifest))} | kubectl apply -f -`;
}

/** The providers of a mesh that put metrics on a proxy's page. */
const making = ({ providers }: Pick<MeshMetrics, 'providers'>): readonly string[] => [
  'prometheus',
  ...providers.filter(({ name, type }) => type === 'prometheus' && name !== 'prometheus').map(({ name }) => name),
];

function otherProvider({ culprits: [by] }: Loss, { config }: MetricsTold, plane: ControlPlane): string {
  const line = by ? objectLine('edit', by) : editMesh(plane);
  return note(
    line,
    `${by ? 'providers' : 'defaultProviders.metrics'}: ${making({ providers: config?.mesh.providers ?? [] }).join(' or ')}`,
  );
}

/** One of the pods that a loss is about. */
const anyOf = ({ classes }: Loss): Pod | undefined => classes[0]?.proxies[0]?.pod;

/** Filters that fit the control plane's own release lack nothing but proxies of it. */
function otherVersion(loss: Loss, told: MetricsTold, plane: ControlPlane): string {
  const fits = loss.culprits.some(
    (each) =>
      each.kind === 'EnvoyFilter' &&
      each.object.patches.some(({ isStats, proxyVersion }) => isStats && fitsVersion(proxyVersion, plane.version)),
  );
  if (!fits || plane.version === null) return nameProvider(told, plane);
  const pod = anyOf(loss);
  if (!pod) return '';
  return note(
    restartOf([pod]),
    `and the others: gives them proxies of ${plane.version}, which the EnvoyFilters are for`,
  );
}

const relabel = ({ culprits }: Loss, { revision }: ControlPlane): string =>
  objectsLine('label', culprits, `istio.io/rev=${revision ?? 'default'}`, '--overwrite');

function moved({ culprits }: Loss, { config }: MetricsTold): string {
  const root = config?.mesh.rootNamespace ?? 'istio-system';
  // One object, or a list of several.
  const change = `(.items // [.])[] | .metadata |= {name, labels, namespace: ${JSON.stringify(root)}}`;
  return `${objectsLine('get', culprits, '-o', 'json')} | ${shellLine('jq', change)} | kubectl apply -f -`;
}

/** What to type next for a loss. */
export function cureOf(loss: Loss, told: MetricsTold, plane: ControlPlane): string {
  const [first, second] = loss.culprits;
  switch (loss.reason) {
    case 'NoMetricsProvider':
      return nameProvider(told, plane);
    case 'ProviderUnknown':
    case 'ProviderMakesNone':
      return otherProvider(loss, told, plane);
    case 'IstiodMakesNone': {
      const pod = anyOf(loss);
      return pod ? shellLine('istioctl', 'proxy-config', 'listeners', proxyNamed(pod), '-o', 'json') : '';
    }
    case 'MetricsDisabled':
    case 'OneSideDisabled':
      return first ? note(objectsLine('edit', loss.culprits), 'take out disabled: true of metrics') : '';
    case 'TelemetryIgnored':
      return first && second
        ? note(
            objectLine('get', second, first.object.name, '-o', 'yaml'),
            `one object for both: put the lines of ${JSON.stringify(first.object.name)} into the other, and delete it`,
          )
        : '';
    case 'TelemetryOfAnotherRevision':
    case 'StatsFilterOfAnotherRevision':
      return relabel(loss, plane);
    case 'TelemetryNotDiscovered':
      return first
        ? discoverNamespace(
            { name: first.object.namespace, labels: told.left.namespaces.get(first.object.namespace) ?? {} },
            told.left.by,
            plane,
          )
        : '';
    case 'TelemetryNotForWaypoint':
      return first
        ? note(
            objectLine('edit', first),
            'targetRefs, of 1.24 or newer: the Service, where it lies; or the Gateway, beside the waypoint and its Services; no selector',
          )
        : '';
    case 'StatsFilterVersionMismatch':
      return otherVersion(loss, told, plane);
    case 'StatsFilterElsewhere':
      return moved(loss, told);
    case 'StatsFilterRemoved':
      return first ? objectLine('edit', first) : '';
  }
}
