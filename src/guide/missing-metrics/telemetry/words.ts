import type { ControlPlane } from '../../../diagnosis/check.ts';
import { some } from '../../../diagnosis/verdict.ts';
import type { MetricsTold } from '../../../evidence/istio/told.ts';
import { meshName } from '../../../evidence/kubernetes/config-maps.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import type { Side } from '../../../istio/stats.ts';
import type { StatsFilter } from '../../../istio/stats-filters.ts';
import type { Culprit, Loss } from './losses.ts';

/** `Telemetry istio-system/off`. */
const culpritName = ({ kind, object }: Culprit): string => `${kind} ${titleOf(object)}`;

/** `provider prometheus`: what a filter is made by. */
export const makerOf = ({ from }: StatsFilter): string =>
  'provider' in from ? `provider ${from.provider}` : `EnvoyFilter ${titleOf(from.envoyFilter)}`;

/** `EnvoyFilters istio-system/a and istio-system/b`: objects of a loss are of one kind. */
const all = (culprits: readonly Culprit[]): string =>
  culprits.length === 0
    ? ''
    : `${culprits[0]?.kind ?? ''}${culprits.length === 1 ? '' : 's'} ${some(culprits.map(({ object }) => titleOf(object)))}`;

const one = (culprits: readonly Culprit[], singular: string, plural: string): string =>
  `${all(culprits)} ${culprits.length === 1 ? singular : plural}`;

const sideWords = (sides: readonly Side[]): string =>
  sides.includes('inbound') ? 'of the calls that come in' : 'of the calls that go out';

const revision = ({ object }: Culprit): string => String(object.labels['istio.io/rev']);

/** What is wrong, for a message: `Telemetry istio-system/off switches all metrics off`. */
export function lossWords(loss: Loss, { config }: MetricsTold, plane: ControlPlane): string {
  const { culprits, providers, sides } = loss;
  const [first, second] = culprits;
  const names = some(providers.map((name) => `"${name}"`));
  const by = first ? culpritName(first) : `MeshConfig in ConfigMap ${meshName(plane.revision)}`;
  switch (loss.reason) {
    case 'NoMetricsProvider': {
      const others = config?.mesh.otherDefaults ?? [];
      return `no provider of metrics is named${others.length > 0 ? `, as defaultProviders of MeshConfig names ${some(others)} only` : ''}`;
    }
    case 'ProviderUnknown':
      return `${by} names provider ${names}, which the mesh does not define`;
    case 'ProviderMakesNone':
      return `${by} names provider ${names}, which puts no metrics on a proxy’s page`;
    case 'IstiodMakesNone':
      return 'istiod makes no filter that counts';
    case 'MetricsDisabled':
      return `${one(culprits, 'switches', 'switch')} all metrics off`;
    case 'OneSideDisabled':
      return `${one(culprits, 'switches', 'switch')} the metrics ${sideWords(sides)} off`;
    case 'TelemetryIgnored':
      return first && second ? `${culpritName(first)} is not read, as ${titleOf(second.object)} is older` : '';
    case 'TelemetryOfAnotherRevision':
    case 'StatsFilterOfAnotherRevision':
      return first ? `${one(culprits, 'is', 'are')} for revision ${revision(first)}, which no control plane is` : '';
    case 'TelemetryNotDiscovered':
      return first ? `${culpritName(first)} lies in a namespace that no discoverySelector of MeshConfig selects` : '';
    case 'TelemetryNotForWaypoint':
      return first ? `${culpritName(first)} names a provider, and is not for the waypoint` : '';
    case 'StatsFilterVersionMismatch':
      return `${one(culprits, 'is', 'are')} for proxies of other versions`;
    case 'StatsFilterElsewhere':
      return `${one(culprits, 'is', 'are')} not in the root namespace ${config?.mesh.rootNamespace ?? ''}`;
    case 'StatsFilterRemoved':
      return `${one(culprits, 'takes', 'take')} the filter away that counts`;
  }
}

/** What else a reader should know. */
export function notesOf(loss: Loss, { config }: MetricsTold): readonly string[] {
  const versions = [...new Set(loss.classes.flatMap(({ proxy }) => proxy.version ?? []))];
  switch (loss.reason) {
    case 'NoMetricsProvider':
      return (config?.mesh.otherDefaults.length ?? 0) > 0
        ? ['Istio’s charts name prometheus only where meshConfig.defaultProviders is not set at all']
        : [];
    case 'StatsFilterVersionMismatch':
      return [
        `the proxies are of ${some(versions)}`,
        ...new Set(
          loss.culprits.flatMap((each) =>
            each.kind === 'EnvoyFilter'
              ? each.object.patches.flatMap(({ proxyVersion }) =>
                  proxyVersion === null ? [] : [`${culpritName(each)}: proxyVersion ${proxyVersion}`],
                )
              : [],
          ),
        ),
      ].slice(0, 5);
    case 'ProviderMakesNone':
      return loss.providers.some((name) => name.toLowerCase() === 'stackdriver')
        ? ['Stackdriver’s filter is not made any more since 1.23']
        : [];
    default:
      return [];
  }
}
