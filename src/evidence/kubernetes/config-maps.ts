import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { askJson, firstLine, unanswered } from '../../cluster/question/text.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { messageOf, NoAnswer } from '../../errors.ts';
import type { LabelSelector } from '../../istio/selector.ts';
import { scrapeJobsIn } from '../prometheus/scrape-config.ts';
import { durationIn } from '../text/duration.ts';
import { list, number, object, text, texts } from '../text/json.ts';
import { selectorIn } from './selector.ts';

/** What MeshConfig says, as far as it is judged. */
export interface MeshConfig {
  mixerReportServer: string | null;
  disableMixerHttpReports: boolean;
  /** Whether proxies trace at all; null when the file leaves it to the release. */
  enableTracing: boolean | null;
  /** Where spans go, by the old setting or by a provider; null for nowhere. */
  tracer: string | null;
  /** Percent of the requests that are traced; null when the file does not say. */
  sampling: number | null;
  /** How long v1 proxies wait between two questions for their configuration (0.8 and older), in milliseconds. */
  refreshDelays: readonly number[];
  /** To whom objects are visible that do not say: empty is everybody. */
  exportTo: { services: readonly string[]; virtualServices: readonly string[]; destinationRules: readonly string[] };
  /** Whether Istio finds out by itself who takes mutual TLS: so by default since 1.5. */
  autoMtls: boolean;
  /** Null where it is the control plane's own. */
  rootNamespace: string | null;
  /** The namespaces that istiod looks at; empty for all. */
  discoverySelectors: readonly LabelSelector[];
}

const right = (name: string) => [{ verb: 'get', resource: typedName(configMaps), name }] as const;

/** One key of a ConfigMap; null when map or key is not there. */
export async function readKey<T>(
  ask: Ask,
  map: { name: string; namespace: string | null },
  key: string,
  parse: (text: string) => Promise<T>,
): Promise<T | null> {
  const [found = null] = await readKeys(ask, map, (each) => each === key, parse);
  return found;
}

/** A ConfigMap's data; null when the map is not there. */
export async function readData(
  { cluster }: Ask,
  { name, namespace }: { name: string; namespace: string | null },
): Promise<Readonly<Record<string, string>> | null> {
  const answer = await settle(askJson(cluster, questionOf({ name, namespace })));
  if ('missing' in answer) {
    if (answer.missing.hindrance === 'NotFound') return null;
    throw new NoAnswer(answer.missing);
  }
  return (answer.got as { data?: Record<string, string> | null }).data ?? {};
}

const questionOf = ({ name, namespace }: { name: string; namespace: string | null }) =>
  ({ ask: 'object', resource: configMaps, namespace: namespace ?? 'istio-system', name }) as const;

/** What a key of a ConfigMap holds. Throws NoAnswer where it is not what it should be. */
export async function parsed<T>(
  map: { name: string; namespace: string | null },
  key: string,
  text: string,
  parse: (text: string) => Promise<T>,
): Promise<T> {
  try {
    return await parse(text);
  } catch (error) {
    throw unanswered(questionOf(map), 'BadAnswer', `${key} is not valid YAML: ${firstLine(messageOf(error))}`);
  }
}

/** Those keys of a ConfigMap that are wanted; none when the map is not there. */
export async function readKeys<T>(
  ask: Ask,
  map: { name: string; namespace: string | null },
  wants: (key: string) => boolean,
  parse: (text: string) => Promise<T>,
): Promise<readonly T[]> {
  const files = Object.entries((await readData(ask, map)) ?? {});
  return Promise.all(files.filter(([key]) => wants(key)).map(([key, text]) => parsed(map, key, text, parse)));
}

/** The keys of providers that trace. */
const TRACERS = ['zipkin', 'lightstep', 'datadog', 'opencensus', 'skywalking', 'stackdriver', 'opentelemetry'];

/** The ConfigMap of a control plane's MeshConfig: `istio`, of a revision `istio-REVISION` (istio-discovery, templates/configmap.yaml). */
export const meshName = (revision: string | null): string =>
  revision === null || revision === 'default' ? 'istio' : `istio-${revision}`;

/** A control plane's MeshConfig, as it is; null where there is no such ConfigMap. */
export const meshYaml = planeSource(right('istio'), (ask) => {
  const { namespace, revision } = ask.plane;
  return readKey(ask, { name: meshName(revision), namespace }, 'mesh', async (file) => ({ mesh: await yamlIn(file) }));
});

/** What MeshConfig says; `mixerReportServer` and its switch: mixer.md 1.1, F3. */
export function meshConfigIn(yaml: unknown): MeshConfig {
  const mesh = object(yaml);
  const proxies = object(mesh.defaultConfig);
  const tracing = object(proxies.tracing);
  const provider = list(mesh.extensionProviders).find((each) => TRACERS.some((key) => each[key] !== undefined));
  const tracers = [object(tracing.zipkin).address, mesh.zipkinAddress, proxies.zipkinAddress, provider?.name];
  return {
    mixerReportServer: text(mesh.mixerReportServer) || null,
    disableMixerHttpReports: mesh.disableMixerHttpReports === true,
    enableTracing: typeof mesh.enableTracing === 'boolean' ? mesh.enableTracing : null,
    tracer: tracers.map(text).find((each) => each !== '') ?? null,
    sampling: number(tracing.sampling),
    refreshDelays: [mesh.rdsRefreshDelay, proxies.discoveryRefreshDelay].flatMap((delay) => durationIn(delay) ?? []),
    exportTo: {
      services: texts(mesh.defaultServiceExportTo),
      virtualServices: texts(mesh.defaultVirtualServiceExportTo),
      destinationRules: texts(mesh.defaultDestinationRuleExportTo),
    },
    autoMtls: mesh.enableAutoMtls !== false,
    rootNamespace: text(mesh.rootNamespace) || null,
    discoverySelectors: list(mesh.discoverySelectors).map((each) => selectorIn(each) ?? {}),
  };
}

/** What this control plane's MeshConfig says; null where there is no such ConfigMap. */
export const meshConfig = planeSource([], async ({ from }): Promise<MeshConfig | null> => {
  const read = await from(meshYaml);
  return read && meshConfigIn(read.mesh);
});

/** The scrape jobs of the ConfigMap `prometheus`: what Prometheus would run after its next start. */
export const prometheusConfigMap = planeSource(right('prometheus'), (ask) =>
  readKey(ask, { name: 'prometheus', namespace: ask.plane.namespace }, 'prometheus.yml', scrapeJobsIn),
);
