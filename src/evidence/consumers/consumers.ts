import { isDatasources } from '../../cluster/bundle/trim-yaml.ts';
import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { sorted } from '../../diagnosis/verdict.ts';
import { compare } from '../../istio/order.ts';
import { readKeys } from '../kubernetes/config-maps.ts';
import { allPods } from '../kubernetes/lists.ts';
import { ownerOf } from '../kubernetes/owner.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { durationIn } from '../text/duration.ts';
import { list, object, text } from '../text/json.ts';

/** A store that somebody is told to ask, and how often he takes it to scrape. */
export interface Asked {
  /** What the consumer calls it. */
  name: string;
  url: string;
  isDefault: boolean;
  /** In milliseconds; null where it does not say. */
  interval: number | null;
}

/** Who draws pictures of the mesh’s metrics. */
export interface Consumer {
  kind: 'Grafana' | 'Kiali';
  namespace: string;
  /** Null where none runs, and its ConfigMap lies beside Istio all the same. */
  pod: string | null;
  /** The ConfigMap that says so; null where none does. */
  configMap: string | null;
  asks: Attempt<readonly Asked[]>;
}

const runs =
  (name: string, image: RegExp) =>
  (pod: Pod): boolean =>
    isRunning(pod) && pod.containers.some((each) => each.name === name || image.test(each.image));

const isGrafana = runs('grafana', /(^|\/)grafana(-oss|-enterprise)?(:|@|$)/);

/** Whether a pod is a Kiali that runs. */
export const isKiali = runs('kiali', /(^|\/)(kiali|kiali-rhel\d+|ossmc)(:|@|$)/);

/** At most so many of each are looked at, those beside Istio first: a cluster may have one for each team. */
const MOST = 3;

/** Its datasources are in a map that it mounts, among many of dashboards. */
const MOST_MAPS = 4;

function nearest(pods: readonly Pod[], namespace: string | null): readonly Pod[] {
  const ordered = [...pods].sort(
    (a, b) =>
      Number(b.namespace === namespace) - Number(a.namespace === namespace) ||
      compare(a.namespace, b.namespace) ||
      compare(a.name, b.name),
  );
  // Replicas are told the same.
  const first = new Map<string, Pod>();
  for (const pod of ordered) {
    const { kind, name } = ownerOf(pod);
    const key = `${kind} ${pod.namespace}/${name}`;
    if (!first.has(key)) first.set(key, pod);
  }
  return [...first.values()].slice(0, MOST);
}

/** The Prometheus stores of a file of datasources: whatever else Grafana reads has no such series. */
export async function datasourcesIn(file: string): Promise<readonly Asked[]> {
  return list(object(await yamlIn(file)).datasources).flatMap(({ name, type, url, isDefault, jsonData }) =>
    /prometheus/.test(text(type)) && text(url) !== ''
      ? [
          {
            name: text(name),
            url: text(url),
            isDefault: isDefault === true,
            interval: durationIn(object(jsonData).timeInterval),
          },
        ]
      : [],
  );
}

/** Where Kiali asks: it has an address for those who name none (kiali/kiali, config/config.go). */
export async function kialiStoreIn(file: string): Promise<readonly Asked[]> {
  const config = object(await yamlIn(file));
  const { enabled, url, thanos_proxy } = object(object(config.external_services).prometheus);
  if (enabled === false) return [];
  const thanos = object(thanos_proxy);
  return [
    {
      name: 'Kiali’s external_services.prometheus',
      url: text(url) || `http://prometheus.${text(config.istio_namespace) || 'istio-system'}:9090`,
      isDefault: true,
      interval: thanos.enabled === true ? durationIn(thanos.scrape_interval) : null,
    },
  ];
}

async function consumerOf(
  ask: Ask,
  kind: Consumer['kind'],
  at: { namespace: string; pod: Pod | null },
  wants: (key: string) => boolean,
  parse: (file: string) => Promise<readonly Asked[]>,
): Promise<Consumer> {
  const likely = (name: string): number => (/datasource/.test(name) ? 0 : /dashboard/.test(name) ? 2 : 1);
  const own = [...(at.pod?.configMaps ?? [])].sort((a, b) => likely(a) - likely(b));
  const names = [...new Set([...own, kind.toLowerCase()])].slice(0, MOST_MAPS);
  const found = await Promise.all(
    names.map(async (name) => ({
      name,
      asks: await settle(readKeys(ask, { name, namespace: at.namespace }, wants, parse)),
    })),
  );
  const files = found.flatMap(({ name, asks }) =>
    'got' in asks && asks.got.length > 0 ? [{ name, asks: asks.got.flat() }] : [],
  );
  // One that names no Prometheus is not the only one: it may be the one that was refused.
  const first = files.find(({ asks }) => asks.length > 0);
  const [refused] = sorted(found.map(({ asks }) => asks)).missing;
  return {
    kind,
    namespace: at.namespace,
    pod: at.pod?.name ?? null,
    configMap: (first ?? files[0])?.name ?? null,
    asks: first || !refused ? { got: first?.asks ?? [] } : { missing: refused },
  };
}

/** How each kind is found, and where it is told what to ask. */
const KINDS = [
  { kind: 'Grafana', isIt: isGrafana, wants: isDatasources, parse: datasourcesIn },
  { kind: 'Kiali', isIt: isKiali, wants: (key: string) => key === 'config.yaml', parse: kialiStoreIn },
] as const;

/** Every Grafana and Kiali that runs, or whose ConfigMap lies beside Istio, with the stores that it is told to ask. */
export const consumers = planeSource(
  [{ verb: 'get', resource: typedName(configMaps) }],
  async (ask): Promise<readonly Consumer[]> => {
    const { items } = await ask.from(allPods);
    const beside = ask.plane.namespace ?? 'istio-system';
    const found = KINDS.map(async ({ kind, isIt, wants, parse }) => {
      const running = nearest(items.filter(isIt), ask.plane.namespace);
      const told = await Promise.all(
        running.map((pod) => consumerOf(ask, kind, { namespace: pod.namespace, pod }, wants, parse)),
      );
      if (running.some(({ namespace }) => namespace === beside)) return told;
      const idle = await consumerOf(ask, kind, { namespace: beside, pod: null }, wants, parse);
      // What may not be read there is nobody's.
      return idle.configMap === null ? told : [...told, idle];
    });
    return (await Promise.all(found)).flat();
  },
);
