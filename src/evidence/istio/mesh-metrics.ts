import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import { planeSource } from '../../diagnosis/source.ts';
import type { MeshMetrics } from '../../istio/metrics-providers.ts';
import { meshYaml, readKey } from '../kubernetes/config-maps.ts';
import { list, object, text, texts } from '../text/json.ts';

/** The ConfigMap of a control plane's MeshConfig: `istio`, of a revision `istio-REVISION`. */
export const meshName = (revision: string | null): string =>
  revision === null || revision === 'default' ? 'istio' : `istio-${revision}`;

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
export const meshMetrics = planeSource(
  [{ verb: 'get', resource: typedName(configMaps), name: 'istio' }],
  async (ask): Promise<MeshMetrics | null> => {
    const { namespace, revision } = ask.plane;
    const name = meshName(revision);
    const read =
      name === 'istio'
        ? await ask.from(meshYaml)
        : await readKey(ask, { name, namespace }, 'mesh', async (text) => ({ mesh: await yamlIn(text) }));
    return read && meshMetricsIn(read.mesh, namespace ?? 'istio-system');
  },
);
