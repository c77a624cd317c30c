import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { askJson, firstLine, unanswered } from '../../cluster/question/text.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { messageOf, NoAnswer } from '../../errors.ts';
import { scrapeJobsIn } from '../prometheus/scrape-config.ts';
import { durationIn } from '../text/duration.ts';

/** What the ConfigMap `istio` tells the proxies about Mixer; null where there is no such ConfigMap. */
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
  /** Whether Istio looks at some namespaces only. */
  hasDiscoverySelectors: boolean;
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

/** Those keys of a ConfigMap that are wanted; none when the map is not there. */
export async function readKeys<T>(
  { cluster }: Ask,
  { name, namespace }: { name: string; namespace: string | null },
  wants: (key: string) => boolean,
  parse: (text: string) => Promise<T>,
): Promise<readonly T[]> {
  const question = { ask: 'object', resource: configMaps, namespace: namespace ?? 'istio-system', name } as const;
  const answer = await settle(askJson(cluster, question));
  if ('missing' in answer) {
    if (answer.missing.hindrance === 'NotFound') return [];
    throw new NoAnswer(answer.missing);
  }
  const files = Object.entries((answer.got as { data?: Record<string, string> | null }).data ?? {});
  return Promise.all(
    files
      .filter(([key]) => wants(key))
      .map(async ([key, text]) => {
        try {
          return await parse(text);
        } catch (error) {
          throw unanswered(question, 'BadAnswer', `${key} is not valid YAML: ${firstLine(messageOf(error))}`);
        }
      }),
  );
}

interface RawMesh {
  mixerReportServer?: string;
  disableMixerHttpReports?: boolean;
  enableTracing?: boolean;
  /** 0.8. */
  zipkinAddress?: string;
  rdsRefreshDelay?: string;
  discoverySelectors?: readonly unknown[];
  defaultServiceExportTo?: readonly string[];
  defaultVirtualServiceExportTo?: readonly string[];
  defaultDestinationRuleExportTo?: readonly string[];
  enableAutoMtls?: boolean;
  rootNamespace?: string;
  defaultConfig?: {
    discoveryRefreshDelay?: string;
    zipkinAddress?: string;
    tracing?: { sampling?: number; zipkin?: { address?: string } };
  };
  extensionProviders?: readonly ({ name?: string } & Record<string, unknown>)[];
}

/** The keys of providers that trace. */
const TRACERS = ['zipkin', 'lightstep', 'datadog', 'opencensus', 'skywalking', 'stackdriver', 'opentelemetry'];

/** MeshConfig of the ConfigMap `istio`, as it is; null where there is no such ConfigMap. */
export const meshYaml = planeSource(right('istio'), (ask) =>
  readKey(ask, { name: 'istio', namespace: ask.plane.namespace }, 'mesh', async (text) => ({
    mesh: await yamlIn(text),
  })),
);

/** `mixerReportServer` and its switch: mixer.md 1.1, F3. */
export const meshConfig = planeSource([], async ({ from }): Promise<MeshConfig | null> => {
  const read = await from(meshYaml);
  if (read === null) return null;
  const mesh = read.mesh as RawMesh | null;
  const { tracing, zipkinAddress } = mesh?.defaultConfig ?? {};
  const provider = mesh?.extensionProviders?.find((each) => Object.keys(each).some((key) => TRACERS.includes(key)));
  return {
    mixerReportServer: mesh?.mixerReportServer ?? null,
    disableMixerHttpReports: mesh?.disableMixerHttpReports === true,
    enableTracing: mesh?.enableTracing ?? null,
    tracer: tracing?.zipkin?.address ?? mesh?.zipkinAddress ?? zipkinAddress ?? provider?.name ?? null,
    sampling: tracing?.sampling ?? null,
    refreshDelays: [mesh?.rdsRefreshDelay, mesh?.defaultConfig?.discoveryRefreshDelay].flatMap(
      (delay) => durationIn(delay) ?? [],
    ),
    exportTo: {
      services: mesh?.defaultServiceExportTo ?? [],
      virtualServices: mesh?.defaultVirtualServiceExportTo ?? [],
      destinationRules: mesh?.defaultDestinationRuleExportTo ?? [],
    },
    autoMtls: mesh?.enableAutoMtls !== false,
    rootNamespace: mesh?.rootNamespace ?? null,
    hasDiscoverySelectors: (mesh?.discoverySelectors ?? []).length > 0,
  };
});

/** The scrape jobs of the ConfigMap `prometheus`: what Prometheus would run after its next start. */
export const prometheusConfigMap = planeSource(right('prometheus'), (ask) =>
  readKey(ask, { name: 'prometheus', namespace: ask.plane.namespace }, 'prometheus.yml', scrapeJobsIn),
);
