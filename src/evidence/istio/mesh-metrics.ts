import { planeSource } from '../../diagnosis/source.ts';
import type { MeshMetrics } from '../../istio/metrics-providers.ts';
import { meshYaml } from '../kubernetes/config-maps.ts';
import { list, object, text, texts } from '../text/json.ts';

/** What MeshConfig says of metrics; `byDefault` is the root namespace where it names none. */
export function meshMetricsIn(yaml: unknown, byDefault: string): MeshMetrics {
  const mesh = object(yaml);
  const defaults = object(mesh.defaultProviders);
  return {
    rootNamespace: text(mesh.rootNamespace) || byDefault,
    defaults: texts(defaults.metrics),
    otherDefaults: ['tracing', 'accessLogging'].filter((each) => texts(defaults[each]).length > 0),
    providers: list(mesh.extensionProviders).map(({ name, ...types }) => ({
      name: text(name),
      type: Object.keys(types)[0] ?? '',
    })),
  };
}

/** What this control plane's MeshConfig says of metrics; null where there is no such ConfigMap. */
export const meshMetrics = planeSource([], async ({ from, plane }): Promise<MeshMetrics | null> => {
  const read = await from(meshYaml);
  return read && meshMetricsIn(read.mesh, plane.namespace ?? 'istio-system');
});
