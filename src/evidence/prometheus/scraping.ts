import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { proxySource, settle } from '../../diagnosis/source.ts';
import { sorted } from '../../diagnosis/verdict.ts';
import type { Unanswered } from '../../errors.ts';
import type { Monitor } from '../../scraping/monitors.ts';
import { isProxyPage } from '../../scraping/ways.ts';
import { emitters } from '../istio/emitters.ts';
import { meshProxies } from '../istio/mesh-proxies.ts';
import { isYoung } from '../istio/proxies.ts';
import { allNamespaces, allPods, allServices, byNamespace, itemsOf, selects } from '../kubernetes/lists.ts';
import type { Pod } from '../kubernetes/pod.ts';
import type { Service } from '../kubernetes/service.ts';
import { type Monitoring, monitoring } from './monitors.ts';
import { byPod, PodIndex } from './pod-series.ts';
import { loaded } from './proxies.ts';
import { prometheusReadings } from './readings.ts';
import type { ScrapeJob } from './scrape-config.ts';
import { prometheusServers } from './server.ts';
import { allSeries, askStore, type StoreAnswer } from './store.ts';
import type { Target, Targets } from './targets.ts';
import { type Cause, causesOf } from './unscraped.ts';

/** Which proxies the Prometheus servers scrape, and why not the others. */
export interface Scraping {
  /** The servers that were asked; none, and nothing else is known. */
  servers: readonly string[];
  /** Their pods, where they are pods. */
  serverPods: readonly Pod[];
  /** Those that are old enough to be judged. */
  pods: readonly Pod[];
  young: number;
  /** Targets that are the pages of their proxies. */
  targets: ReadonlyMap<Pod, readonly Target[]>;
  /** Proxies that some server has as a target, or of which it holds what only their pages tell. */
  targeted: ReadonlySet<Pod>;
  /** Of those, the ones whose scrapes succeed. */
  up: ReadonlySet<Pod>;
  /** Whether it was told by series alone, since no server tells its targets. */
  isBySeries: boolean;
  /** Why the others are no targets. */
  causes: readonly Cause[];
  /** Why a proxy may be a target all the same. */
  missing: readonly Unanswered[];
  /** The same, in the servers' own words. */
  partial: readonly string[];
  /** The labels of each namespace; null where they are not known. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>> | null;
  /** How many servers were not asked. */
  leftOut: number;
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
  /** What an operator would make its configuration of. */
  monitors: Monitoring;
}

/** What the cluster and the servers answered. */
export interface Asked
  extends Pick<Scraping, 'servers' | 'serverPods' | 'leftOut' | 'refusal' | 'monitors' | 'namespaces'> {
  everyPod: readonly Pod[];
  /** Those whose pages should be scraped. */
  pods: readonly Pod[];
  now: number;
  targets: readonly Attempt<Targets>[];
  /** Asked of the servers that do not tell their targets: null of the others. */
  ups: readonly (StoreAnswer | null)[];
  loaded: readonly StoreAnswer[];
  jobs: readonly ScrapeJob[];
  /** Null where not all could be listed. */
  services: readonly Service[] | null;
}

/** Which proxies are scraped, and why not the others. */
export function scrapingIn(asked: Asked): Scraping {
  const known = targetedIn(asked);
  const { servers, serverPods, leftOut, refusal, monitors, namespaces, jobs, services } = asked;
  const inNamespace = services && byNamespace(services);
  const without = known.pods.filter((pod) => !known.targeted.has(pod));
  const causes = causesOf(without, {
    monitors: [...itemsOf<Monitor>(monitors.podMonitors), ...itemsOf<Monitor>(monitors.serviceMonitors)],
    prometheuses: itemsOf(monitors.prometheuses),
    namespaces,
    jobs,
    servicesOf: (pod) => inNamespace?.(pod.namespace).filter(({ selector }) => selects(selector, pod.labels)) ?? null,
  });
  return { ...known, servers, serverPods, leftOut, refusal, monitors, namespaces, causes };
}

function targetedIn({
  everyPod,
  pods: all,
  now,
  targets,
  ups,
  loaded: filters,
}: Asked): Pick<Scraping, 'pods' | 'young' | 'targets' | 'targeted' | 'up' | 'isBySeries' | 'missing' | 'partial'> {
  const pods = all.filter((pod) => !isYoung(pod, now));
  const index = PodIndex.of(everyPod);
  const own = new Set(pods);
  const { got } = sorted(targets);
  const byTarget = new Map<Pod, Target[]>();
  for (const { targets } of got)
    for (const [pod, target] of proxyTargetsIn(targets, index, own)) {
      const known = byTarget.get(pod);
      if (known) known.push(target);
      else byTarget.set(pod, [target]);
    }
  const targeted = new Set<Pod>(byTarget.keys());
  const up = new Set<Pod>(
    [...byTarget].flatMap(([pod, own]) => (own.some(({ health }) => health === 'up') ? [pod] : [])),
  );
  const instead = ups.filter((each) => each !== null);
  for (const { labels, value } of allSeries(instead)) {
    const pod = index.podOf(labels);
    if (!pod || !own.has(pod) || !isOfProxyPort(labels.get('instance') ?? '')) continue;
    targeted.add(pod);
    if (value === 1) up.add(pod);
  }
  // Whoever scraped it: only a proxy's own page has it.
  for (const { labels } of allSeries(filters)) {
    const pod = /^(proxy|ztunnel)$/.test(labels.get('component') ?? '') ? index.podOf(labels) : null;
    if (!pod || !own.has(pod)) continue;
    targeted.add(pod);
    up.add(pod);
  }
  return {
    pods,
    young: all.length - pods.length,
    targets: byTarget,
    targeted,
    up,
    isBySeries: got.length === 0 && instead.some(({ series }) => 'got' in series),
    missing: targets.flatMap((each, place) => {
      const series = ups[place]?.series;
      return 'missing' in each && !(series && 'got' in series) ? [each.missing] : [];
    }),
    partial: [...got, ...instead].flatMap(({ partial }) => partial),
  };
}

/** Each target that is the page of a proxy of `own`, with the proxy's pod. */
export function* proxyTargetsIn(
  targets: readonly Target[],
  index: PodIndex,
  own: ReadonlySet<Pod>,
): Generator<readonly [Pod, Target]> {
  for (const target of targets) {
    const pod = podOf(target, index);
    if (pod && own.has(pod) && isProxyTarget(target)) yield [pod, target];
  }
}

const hostIn = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');

const podOf = ({ pod, url, podIp, instance }: Target, index: PodIndex): Pod | null =>
  (pod && index.named(pod)) ?? index.at(podIp ?? '') ?? index.at(hostIn(url)) ?? index.at(instance);

const isProxyTarget = ({ url, instance }: Target): boolean =>
  isProxyPage(url) ||
  (instance !== '' && isProxyPage(`http://${instance}${URL.canParse(url) ? new URL(url).pathname : ''}`));

/** An instance that was given another name may be anything. */
const isOfProxyPort = (instance: string): boolean => {
  const [, port] = /:(\d+)$/.exec(instance) ?? [];
  return port === undefined || isProxyPage(`http://x:${port}/`);
};

export const proxyScraping = proxySource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<Scraping> => {
    const { from, now } = ask;
    const [servers, pods, { refusal }, everyPod, readings, filters, monitors, namespaces, services] = await Promise.all(
      [
        from(prometheusServers),
        from(emitters),
        from(meshProxies),
        from(allPods),
        from(prometheusReadings),
        from(loaded),
        from(monitoring),
        settle(from(allNamespaces)),
        settle(from(allServices)),
      ],
    );
    const targets = readings.map(({ scrapes }) => scrapes);
    return scrapingIn({
      servers: servers.asked.map(({ where }) => where),
      serverPods: servers.asked.flatMap(({ pod }) => pod ?? []),
      leftOut: servers.leftOut,
      refusal,
      // Callers may be of a namespace that was asked for alone.
      everyPod: everyPod.complete ? everyPod.items : [...new Set([...everyPod.items, ...pods])],
      pods,
      now,
      targets,
      ups: await upsOf(ask, targets),
      loaded: filters,
      monitors,
      namespaces: 'got' in namespaces ? new Map(namespaces.got.items.map(({ name, labels }) => [name, labels])) : null,
      jobs: sorted(readings.map(({ jobs }) => jobs)).got.flat(),
      services: 'got' in services && services.got.complete ? services.got.items : null,
    });
  },
);

/** What the servers that tell no targets hold of their scrapes. */
async function upsOf(ask: Ask, targets: Asked['targets']): Promise<Asked['ups']> {
  const { asked } = await ask.from(prometheusServers);
  return Promise.all(
    asked.map(async (server, place) => {
      const told = targets[place];
      return told && 'missing' in told ? askStore(ask, server, `max by (${byPod('job')}) (up)`) : null;
    }),
  );
}
