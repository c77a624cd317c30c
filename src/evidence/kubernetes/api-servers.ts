import type { DiscoveryQuestion, LogQuestion } from '../../cluster/question/question.ts';
import { askPage, textOf, unanswered } from '../../cluster/question/text.ts';
import type { Attempt } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { readPage } from '../../prometheus/page-reader.ts';
import { allNodes, allPods } from './lists.ts';
import type { Container, Pod } from './pod.ts';

/** A kube-apiserver that runs as a pod, and how it is told to use a proxy. */
export interface ApiServerPod {
  pod: string;
  /** The proxy for https, as the environment names it, without a login; null for none. */
  proxy: string | null;
  /** The variable that names it. */
  variable: string | null;
  /** What HTTP_PROXY names: Kubernetes 1.20 and older use it for https too. */
  plainProxy: string | null;
  noProxy: string;
}

/** The API servers of this cluster, and the ranges of addresses that they should reach without a proxy. */
export interface ApiServers {
  /** Empty where the control plane is managed, or runs outside the cluster: its pods are not shown. */
  pods: readonly ApiServerPod[];
  serviceRanges: readonly string[];
  podRanges: readonly string[];
}

const isApiServer = ({ namespace, containers }: Pod): boolean =>
  namespace === 'kube-system' && containers.some(({ name }) => name === 'kube-apiserver');

const argumentOf = ({ command, args }: Container, name: string): readonly string[] =>
  [...command, ...args].flatMap((each) =>
    each.startsWith(`--${name}=`) ? each.slice(name.length + 3).split(',') : [],
  );

/** Go reads the upper case first (golang.org/x/net/http/httpproxy). */
function variableOf({ variables }: Container, name: string): [string, string] | null {
  for (const spelled of [name.toUpperCase(), name.toLowerCase()]) {
    const value = variables[spelled];
    if (value) return [spelled, value];
  }
  return null;
}

export const apiServers = clusterSource([], async (ask): Promise<ApiServers> => {
  const [all, listed] = await Promise.all([ask.from(allPods), settle(ask.from(allNodes))]);
  const system = all.items.filter(({ namespace }) => namespace === 'kube-system');
  const containers = system.flatMap((pod) => pod.containers.filter(({ name }) => name.startsWith('kube-')));
  const ranges = (name: string): readonly string[] => [
    ...new Set(containers.flatMap((each) => argumentOf(each, name))),
  ];
  const ofPods = ranges('cluster-cidr');
  return {
    pods: system.filter(isApiServer).map((pod) => {
      const container = pod.containers.find(({ name }) => name === 'kube-apiserver') ?? pod.containers[0];
      const proxy = container ? variableOf(container, 'https_proxy') : null;
      return {
        pod: pod.name,
        proxy: proxy?.[1] ?? null,
        variable: proxy?.[0] ?? null,
        plainProxy: (container && variableOf(container, 'http_proxy')?.[1]) ?? null,
        noProxy: (container && variableOf(container, 'no_proxy')?.[1]) ?? '',
      };
    }),
    serviceRanges: ranges('service-cluster-ip-range'),
    podRanges:
      ofPods.length > 0
        ? ofPods
        : 'got' in listed
          ? [...new Set(listed.got.items.flatMap(({ podRanges }) => podRanges))]
          : [],
  };
});

/** A failed call of one of Istio's webhooks, in the log of an API server. */
export interface FailedCall {
  pod: string;
  line: string;
}

/** guide.md k, K4: the words of every Kubernetes since 1.9. */
const FAILED = /failed calling (admission )?webhook|Failed calling webhook, failing (open|closed)/i;

/** The end of each API server's log: its failed calls of Istio's webhooks. */
export const failedCalls = clusterSource(
  [{ verb: 'get', resource: 'pods/log' }],
  async ({ cluster, from }): Promise<readonly Attempt<readonly FailedCall[]>[]> => {
    const { pods } = await from(apiServers);
    return Promise.all(
      pods.map(({ pod }) => {
        const question: LogQuestion = {
          ask: 'log',
          namespace: 'kube-system',
          pod,
          container: 'kube-apiserver',
          part: { tailLines: 20_000 },
        };
        const read = async (): Promise<readonly FailedCall[]> =>
          (await textOf(question, await cluster.read(question)))
            .split('\n')
            .filter((line) => FAILED.test(line) && line.includes('istio.io'))
            .map((line) => ({ pod, line }));
        return settle(read());
      }),
    );
  },
);

/** What the API server that answered counts of its calls of Istio's webhooks, since it started. */
export interface WebhookCounts {
  /** Calls that were made, whatever came of them. */
  calls: number;
  /** Calls that failed, and not because the webhook said no. */
  errors: number;
}

/** Names since Kubernetes 1.13 (calls) and 1.15 (rejections), held against a real API server of 1.36. */
const CALLS = 'apiserver_admission_webhook_admission_duration_seconds_count';
const REJECTIONS = 'apiserver_admission_webhook_rejection_count';
const FAILED_OPEN = 'apiserver_admission_webhook_fail_open_count';

const QUESTION: DiscoveryQuestion = { ask: 'discovery', path: '/metrics' };

export const webhookCounts = clusterSource(
  [{ verb: 'get', resource: '/metrics' }],
  async ({ cluster }): Promise<WebhookCounts> => {
    const answer = await askPage(cluster, QUESTION);
    const counts = { calls: 0, errors: 0 };
    const wants = (name: string): boolean => [CALLS, REJECTIONS, FAILED_OPEN].includes(name) || CALLS.startsWith(name);
    const summary = await readPage(answer.body, wants, (_family, { name, labels, value }) => {
      if (!/(^|\.)istio\.io$/.test(labels.get('name') ?? '')) return;
      if (name === CALLS) counts.calls += numberOf(value);
      if (name === FAILED_OPEN) counts.errors += numberOf(value);
      if (name === REJECTIONS && labels.get('error_type') === 'calling_webhook_error') counts.errors += numberOf(value);
    });
    if (summary.samples + summary.skipped === 0) throw unanswered(QUESTION, 'BadAnswer', 'not a metrics page');
    return counts;
  },
);
