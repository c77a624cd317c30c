import { shellLine } from '../../../../cluster/question/shell.ts';
import { adminLine } from '../../../../evidence/envoy/asked.ts';
import { releaseOf } from '../../../../evidence/istio/detection.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import type { Scraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Target } from '../../../../evidence/prometheus/targets.ts';
import type { Trouble } from '../../../../scraping/last-error.ts';
import { editConfiguration } from './reached.ts';

/** What each trouble means, in a sentence, for `explain`. */
export const MEANS: Readonly<Record<Trouble, string>> = {
  ConnectionRefused:
    'Nothing listens at the proxy’s port: its container does not run, its port was moved (statusPort), or it listens on localhost only.',
  ConnectionReset:
    'The connection is reset: the port is captured and wants mutual TLS, or something between breaks it.',
  ClosedUnanswered: 'The connection is closed without an answer: the port speaks TLS, or the proxy is ending.',
  ScrapeTimedOut:
    'Prometheus gets no whole answer within its scrape_timeout: packets are dropped on the way, as a NetworkPolicy does, or the page is too large or made too slowly.',
  Unreachable: 'Prometheus finds no way to the pod’s address: another network, or a node that is gone.',
  TlsFailed: 'Prometheus and the port do not agree on TLS, or it does not trust the certificate.',
  TargetDown:
    'The store says that scrapes fail, and cannot tell why: only the Prometheus that scrapes knows its lastError.',
  ScrapeDenied:
    'The proxy’s port refuses Prometheus: METRICS_LOCALHOST_ACCESS_ONLY, or an AuthorizationPolicy where the port is captured.',
  PageNotFound: 'There is no such page: a proxy’s metrics are at /stats/prometheus (on 15020 at /metrics too).',
  ProxyUnavailable:
    'Something before the page answers that nothing is behind it: an Envoy whose cluster is not there, or a proxy that is not ready.',
  HttpError: 'The port answers with an error instead of metrics.',
  ContentTypeRefused:
    'Prometheus 3 takes no page whose Content-Type it does not know, unless the job names a fallback_scrape_protocol.',
  PageInvalid:
    'The page is not Prometheus’ text format: what is merged from the application breaks it, or Istio 1.30.0 to 1.30.2 mixes protobuf with text.',
  SampleLimit: 'The page has more samples than the job’s sample_limit allows: all of it is thrown away.',
  BodySizeLimit: 'The page is larger than the job’s body_size_limit: all of it is thrown away.',
  LabelLimit: 'A series has more or longer labels than the job allows: all of the page is thrown away.',
  TargetLimit: 'The job has more targets than its target_limit: none of them is scraped.',
};

/** In Istio 1.30.0 to 1.30.2 the agent hands Prometheus' Accept header on, and Envoy answers it in protobuf (releasenotes 60322). */
export const mixesProtobuf = (pod: Pod): boolean =>
  /^1\.30\.[0-2]$/.test(releaseOf(proxyContainerOf(pod)?.image ?? '') ?? '');

const portOf = ({ url }: Target): string => (URL.canParse(url) ? new URL(url).port : '');

const shown = ({ namespace, name }: Pod, ...more: readonly string[]): string =>
  shellLine('kubectl', '-n', namespace, 'get', 'pod', name, ...more);

/** The next command for the first pod of those in this trouble. */
export function hintFor(trouble: Trouble, pod: Pod, target: Target | null, scraping: Scraping): string {
  const { namespace, name } = pod;
  const container = proxyContainerOf(pod) ?? { name: 'istio-proxy' };
  const job = (what: string): string => editConfiguration(scraping, `${target?.pool ?? ''}: ${what}`);
  switch (trouble) {
    case 'ConnectionRefused':
      return pod.ready
        ? `${shown(pod, '-o', `jsonpath={.spec.containers[?(@.name=="${container.name}")].env}`)}   # METRICS_LOCALHOST_ACCESS_ONLY, or another statusPort`
        : shellLine('kubectl', '-n', namespace, 'describe', 'pod', name);
    case 'ScrapeTimedOut':
      return `${shellLine('kubectl', '-n', namespace, 'get', 'networkpolicies.networking.k8s.io')}   # who may come to ${portOf(target ?? ({ url: '' } as Target)) || '15020'}; else the page’s size, or a longer scrape_timeout`;
    case 'ScrapeDenied':
      return `${shellLine('kubectl', '-n', namespace, 'get', 'authorizationpolicies.security.istio.io')}   # and METRICS_LOCALHOST_ACCESS_ONLY of the proxy`;
    case 'ContentTypeRefused':
      return job('fallback_scrape_protocol: PrometheusText0.0.4');
    case 'PageInvalid':
      return mixesProtobuf(pod)
        ? 'istioctl upgrade   # to 1.30.3 or newer, then restart the workloads'
        : `kubectl istio-diag metrics ${shellLine(`pod/${name}`, '-n', namespace)}   # says which line is wrong`;
    case 'SampleLimit':
      return job('a larger sample_limit, or fewer series');
    case 'BodySizeLimit':
      return job('a larger body_size_limit, or fewer series');
    case 'LabelLimit':
      return job('a larger label_limit');
    case 'TargetLimit':
      return job('a larger target_limit');
    case 'PageNotFound':
      return job('metrics_path: /stats/prometheus');
    case 'TlsFailed':
    case 'ClosedUnanswered':
    case 'ConnectionReset':
      return job('scheme, and a port that is not captured: 15020 or 15090 over http');
    case 'Unreachable':
    case 'TargetDown':
      return shown(pod, '-o', 'wide');
    default:
      return adminLine({ pod, container }, 'stats/prometheus?usedonly&filter=istio_build');
  }
}
