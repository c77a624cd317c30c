import { unanswered } from '../../cluster/question/text.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { durationIn } from '../text/duration.ts';
import { askApi } from './api.ts';
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

interface RawTarget {
  discoveredLabels?: Record<string, string>;
  labels?: Record<string, string>;
  scrapePool?: string;
  scrapeUrl?: string;
  scrapeInterval?: string;
  health?: string;
  lastError?: string;
  lastScrape?: string;
}

/** The targets that a server scrapes. Throws NoAnswer: also where it is a store that scrapes nothing. */
export async function targetsOf({ cluster }: Ask, server: PrometheusServer): Promise<Targets> {
  const question = server.question('/api/v1/targets?state=active');
  const { data, partial } = await askApi(cluster, question);
  const { activeTargets } = data as { activeTargets?: readonly RawTarget[] | null };
  if (!activeTargets) throw unanswered(question, 'BadAnswer', 'the answer names no targets');
  return { targets: activeTargets.map(targetIn), partial };
}

function targetIn({ discoveredLabels = {}, labels = {}, ...target }: RawTarget): Target {
  const scraped = Date.parse(target.lastScrape ?? '');
  const { __meta_kubernetes_namespace: namespace, __meta_kubernetes_pod_name: name } = discoveredLabels;
  return {
    job: labels.job ?? '',
    pool: target.scrapePool ?? '',
    url: target.scrapeUrl ?? '',
    health: target.health ?? 'unknown',
    lastError: target.lastError ?? '',
    // Go's zero time, year 1, is "never".
    lastScrape: scraped > 0 ? scraped : null,
    interval: durationIn(target.scrapeInterval),
    instance: labels.instance ?? '',
    pod: namespace && name ? { namespace, name } : podNamedBy((label) => labels[label]),
    podIp: discoveredLabels.__meta_kubernetes_pod_ip ?? null,
    address: discoveredLabels.__address__ ?? '',
    namespace: namespace ?? null,
    service: discoveredLabels.__meta_kubernetes_service_name ?? null,
    portName: discoveredLabels.__meta_kubernetes_endpoint_port_name ?? null,
  };
}
