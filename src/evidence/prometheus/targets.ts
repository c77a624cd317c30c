import type { Ask } from '../../diagnosis/check.ts';
import { durationIn } from '../text/duration.ts';
import { object, text } from '../text/json.ts';
import { askApiList } from './api.ts';
import { type PodName, podNamedBy } from './pod-labels.ts';
import type { PrometheusServer } from './server.ts';

/** A target that Prometheus scrapes. */
export interface Target {
  job: string;
  /** The job's name in the configuration, which relabelling leaves alone; '' where the server does not tell. */
  pool: string;
  url: string;
  health: string;
  lastError: string;
  /** Milliseconds since 1970; null before the first scrape. */
  lastScrape: number | null;
  /** Between two scrapes, in milliseconds; null where the server does not tell. */
  interval: number | null;
  /** The label by which its series are told from those of other targets. */
  instance: string;
  /** The pod that discovery found it by, or else that its labels name; null where neither does. */
  pod: PodName | null;
  /** The address of the pod that discovery found; null where it found none. */
  podIp: string | null;
  /** `HOST:PORT` as it was found, before relabelling; '' where the server does not tell. */
  address: string;
  /** The namespace that discovery found it in; null where it was not found in Kubernetes. */
  namespace: string | null;
  /** The Service whose endpoint it is, and what the endpoint's port is called; null of what is found by its pod. */
  service: string | null;
  portName: string | null;
}

/** The targets of one server, and why they may not be all. */
export interface Targets {
  targets: readonly Target[];
  partial: readonly string[];
}

/** The targets that a server scrapes. Throws NoAnswer: also where it is a store that scrapes nothing. */
export async function targetsOf({ cluster }: Ask, server: PrometheusServer): Promise<Targets> {
  const question = server.question('/api/v1/targets?state=active');
  const targets: Target[] = [];
  const { partial } = await askApiList(cluster, question, 'activeTargets', (entry) => targets.push(targetIn(entry)));
  return { targets, partial };
}

function targetIn(entry: unknown): Target {
  const raw = object(entry);
  const [discovered, labels] = [object(raw.discoveredLabels), object(raw.labels)];
  const scraped = Date.parse(text(raw.lastScrape));
  const found = (name: string): string | null => text(discovered[`__meta_kubernetes_${name}`]) || null;
  const [namespace, name] = [found('namespace'), found('pod_name')];
  return {
    job: text(labels.job),
    pool: text(raw.scrapePool),
    url: text(raw.scrapeUrl),
    health: text(raw.health) || 'unknown',
    lastError: text(raw.lastError),
    // Go's zero time, year 1, is "never".
    lastScrape: scraped > 0 ? scraped : null,
    interval: durationIn(raw.scrapeInterval),
    instance: text(labels.instance),
    pod: namespace && name ? { namespace, name } : podNamedBy((label) => text(labels[label])),
    podIp: found('pod_ip'),
    address: text(discovered.__address__),
    namespace,
    service: found('service_name'),
    portName: found('endpoint_port_name'),
  };
}
