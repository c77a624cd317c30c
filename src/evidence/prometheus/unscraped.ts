import type { Monitor, Operated, Refusal } from '../../scraping/monitors.ts';
import { refusalOf } from '../../scraping/monitors.ts';
import {
  isMeantForProxies,
  type Obstacle,
  obstaclesOf,
  type ServicesOf,
  type Way,
  wayOf,
} from '../../scraping/ways.ts';
import type { Pod } from '../kubernetes/pod.ts';
import type { ScrapeJob } from './scrape-config.ts';

/** How a pod could have been scraped. */
export type By = { monitor: Monitor; prometheus: Operated | null } | { job: string; isByAnnotation: boolean };

/** Why pods are not scraped: the way that needs least, and what it needs. */
export interface Cause {
  /** Null where there is no way for proxies at all. */
  by: By | null;
  /** Why no Prometheus takes the monitor; null where one does. */
  refusal: Refusal | null;
  /** Null where nothing that is known here keeps it. */
  obstacle: Obstacle | null;
  /** Whether the monitor looks in the pods' namespace, and its Prometheus does not let it. */
  isIgnored: boolean;
  pods: readonly Pod[];
}

/** What could scrape proxies. */
export interface Ways {
  monitors: readonly Monitor[];
  prometheuses: readonly Operated[];
  /** The labels of each namespace; null where they are not known. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>> | null;
  jobs: readonly ScrapeJob[];
  servicesOf: ServicesOf;
}

interface Option {
  by: By;
  refusal: Refusal | null;
  way: Way;
}

/** Jobs that an operator makes of monitors are told by these. */
const isOfMonitor = ({ name }: ScrapeJob): boolean => /^(pod|service)Monitor\//.test(name);

const readsAnnotation = ({ rules }: Way): boolean =>
  rules.some(({ sources }) => sources.some((name) => name.endsWith('_pod_annotation_prometheus_io_scrape')));

function optionsOf({ monitors, prometheuses, namespaces, jobs }: Ways): readonly Option[] {
  const operated = prometheuses.filter(({ isUnmanaged }) => !isUnmanaged);
  const ofMonitors = monitors.flatMap((monitor): Option[] => {
    const labels = namespaces?.get(monitor.namespace) ?? null;
    const refused = operated.map((prometheus) => ({ prometheus, refusal: refusalOf(prometheus, monitor, labels) }));
    const takers = refused.filter(({ refusal }) => refusal === null);
    // Without a Prometheus of an operator something else may read them, such as an agent of another maker.
    const tried = takers.length > 0 ? takers : refused.length > 0 ? refused : [{ prometheus: null, refusal: null }];
    return tried.flatMap(({ prometheus, refusal }) =>
      monitor.endpoints
        .map((endpoint) => wayOf(monitor, endpoint, prometheus))
        .map((way) => ({ by: { monitor, prometheus }, refusal, way })),
    );
  });
  const ofJobs = jobs
    .filter((job) => monitors.length === 0 || !isOfMonitor(job))
    .flatMap(({ name, ways }): Option[] =>
      ways.map((way) => ({ by: { job: name, isByAnnotation: readsAnnotation(way) }, refusal: null, way })),
    );
  return [...ofMonitors, ...ofJobs].filter(({ way }) => isMeantForProxies(way));
}

/** In the order in which they are looked for: what is met later is nearer. */
const NEARNESS: readonly Obstacle['is'][] = [
  'namespace',
  'labels',
  'service',
  'port',
  'rule',
  'elsewhere',
  'undecided',
];

interface Needed {
  option: Option;
  obstacles: readonly Obstacle[];
}

const needs = ({ option, obstacles }: Needed): number => obstacles.length + (option.refusal === null ? 0 : 1);
const nearness = ({ option, obstacles: [first] }: Needed): number =>
  option.refusal === null ? (first ? NEARNESS.indexOf(first.is) : NEARNESS.length) : -1;

/** Pods of one owner are discovered alike. */
const groupOf = ({ namespace, name, owner }: Pod): string =>
  owner ? `${namespace}/${owner.kind}/${owner.name}` : `${namespace}/${name}`;

/** Why pods are not scraped: one cause each, the nearest to a cure, and one entry for one cause. */
export function causesOf(pods: readonly Pod[], ways: Ways): readonly Cause[] {
  const options = optionsOf(ways);
  const isByService = options.some(({ way }) => way.of === 'endpoints');
  const groups = new Map<string, Pod[]>();
  for (const pod of pods) {
    const own = groups.get(groupOf(pod));
    if (own) own.push(pod);
    else groups.set(groupOf(pod), [pod]);
  }
  const causes = new Map<string, Cause & { pods: Pod[] }>();
  for (const own of groups.values()) {
    const [pod] = own;
    if (!pod) continue;
    const leading = isByService ? ways.servicesOf(pod) : null;
    const needed = options
      .map((option) => ({ option, obstacles: obstaclesOf(option.way, pod, () => leading) }))
      .sort((a, b) => needs(a) - needs(b) || nearness(b) - nearness(a));
    const cause = causeOf(needed[0] ?? null, pod);
    const key = JSON.stringify([
      cause.by &&
        ('monitor' in cause.by
          ? [cause.by.monitor.kind, cause.by.monitor.namespace, cause.by.monitor.name]
          : cause.by.job),
      cause.refusal,
      cause.obstacle,
    ]);
    const known = causes.get(key);
    if (known) known.pods.push(...own);
    else causes.set(key, { ...cause, pods: [...own] });
  }
  return [...causes.values()].sort((a, b) => b.pods.length - a.pods.length);
}

function causeOf(needed: Needed | null, pod: Pod): Omit<Cause, 'pods'> {
  if (needed === null) return { by: null, refusal: null, obstacle: null, isIgnored: false };
  const { by, refusal } = needed.option;
  const [obstacle = null] = needed.obstacles;
  const isIgnored =
    obstacle?.is === 'namespace' &&
    'monitor' in by &&
    by.prometheus?.ignoresNamespaces === true &&
    (by.monitor.namespaces === 'any' || by.monitor.namespaces.includes(pod.namespace));
  return { by, refusal, obstacle: shortened(obstacle), isIgnored };
}

/** What a rule saw differs from pod to pod, and its addresses do: they are no part of the cause. */
function shortened(obstacle: Obstacle | null): Obstacle | null {
  if (obstacle?.is === 'rule') return { ...obstacle, value: '' };
  return obstacle?.is === 'elsewhere' ? { ...obstacle, urls: [] } : obstacle;
}
