import type { ControlPlane } from '../../../diagnosis/check.ts';
import { some } from '../../../diagnosis/verdict.ts';
import type { MetricsTold } from '../../../evidence/istio/told.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import { isAttached } from '../../../istio/attachment.ts';
import type { StatsConfig } from '../../../istio/stats.ts';
import { passedOver, type Telemetry } from '../../../istio/telemetry.ts';
import type { Culprit, Loss } from './losses.ts';

const line = (code: string, objects: readonly Telemetry[]): string =>
  `istioctl analyze: ${code} of ${some([...new Set(objects)].map(titleOf))}`;

const selects = ({ selector }: Telemetry): boolean => Object.keys(selector ?? {}).length > 0;

/** Several Telemetry objects for one namespace, or for one pod (pkg/config/analysis/analyzers/telemetry). */
function rivals({ object }: Culprit & { kind: 'Telemetry' }, classes: Loss['classes'], config: StatsConfig): string[] {
  const whole = passedOver(config.telemetries).filter(({ by, ignored }) => by === object || ignored === object);
  const selected = (config.telemetries.get(object.namespace) ?? []).filter(
    (each) =>
      selects(each) &&
      classes.some(
        ({ proxy }) =>
          proxy.namespace === each.namespace && [object, each].every((one) => isAttached(one, proxy, each.namespace)),
      ),
  );
  return [
    ...(whole.length > 0
      ? [
          line(
            'IST0160 (MultipleTelemetriesWithoutWorkloadSelectors)',
            whole.flatMap(({ by, ignored }) => [by, ignored]),
          ),
        ]
      : []),
    ...(selects(object) && selected.length > 1
      ? [line('IST0159 (ConflictingTelemetryWorkloadSelectors)', selected)]
      : []),
  ];
}

/** What `istioctl analyze` says of the objects of a loss, or of its proxies. */
export function analyzed({ reason, culprits, classes }: Loss, told: MetricsTold, plane: ControlPlane): string[] {
  const { config } = told;
  const objects = culprits.flatMap((each) =>
    each.kind === 'Telemetry' && config ? rivals(each, classes, config) : [],
  );
  if (reason === 'TelemetryNotForWaypoint') {
    const selecting = culprits.flatMap((each) =>
      each.kind === 'Telemetry' && selects(each.object) ? [each.object] : [],
    );
    return selecting.length > 0 ? [line('IST0166 (IneffectiveSelector)', selecting)] : [];
  }
  if (reason !== 'StatsFilterVersionMismatch') return [...new Set(objects)];
  const isRelative = culprits.some(
    ({ kind, object }) =>
      kind === 'EnvoyFilter' &&
      object.priority === 0 &&
      object.patches.some(({ proxyVersion }) => proxyVersion !== null),
  );
  const isOther = classes.some(({ proxy }) => proxy.kind === 'sidecar' && proxy.version !== plane.version);
  return [
    ...(isRelative ? ['istioctl analyze: IST0155 (EnvoyFilterUsesRelativeOperationWithProxyVersion)'] : []),
    ...(isOther ? ['istioctl analyze: IST0158 (PodsIstioProxyImageMismatchInNamespace)'] : []),
  ];
}
