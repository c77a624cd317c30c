import type { PageQuestion, UrlQuestion } from '../../cluster/question/question.ts';
import { services, typedName } from '../../cluster/question/resources.ts';
import { askJson, unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt, Scope } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { messageOf } from '../../errors.ts';
import { detection } from '../istio/detection.ts';
import { allPods, allServices, selects } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { mixer } from '../mixer/pods.ts';
import { type ScrapeJob, scrapeJobsIn } from './scrape-config.ts';

/** Where a Prometheus answers. */
export interface PrometheusServer {
  /** `pod istio-system/prometheus-…` or the URL: for messages. */
  where: string;
  readonly question: (path: string) => PageQuestion | UrlQuestion;
}

/** A target that Prometheus scrapes. */
export interface Target {
  job: string;
  url: string;
  health: string;
  lastError: string;
  /** Milliseconds since 1970; null before the first scrape. */
  lastScrape: number | null;
  /** The label by which its series are told from those of other targets. */
  instance: string;
  /** Whether it is the Prometheus adapter of this control plane's Mixer. */
  isAdapter: boolean;
}

/** What one Prometheus says about itself. */
export interface PrometheusReading {
  where: string;
  targets: Attempt<readonly Target[]>;
  jobs: Attempt<readonly ScrapeJob[]>;
}

/** One series of an instant query. */
export interface Series {
  labels: ReadonlyMap<string, string>;
  value: number;
  /** The server's clock, in milliseconds since 1970. */
  at: number;
}

/** A pod that runs Prometheus itself, and not its operator, gateway, adapter or alert manager (mixer.md 7, trap 23). */
const isPrometheus = (pod: Pod): boolean =>
  isRunning(pod) &&
  pod.containers.some(
    ({ name, image }) => (name === 'prometheus' || /\/prometheus(:|@|$)/.test(image)) && !/operator/.test(image),
  );

/** At most so many are asked, those beside Istio first: a cluster may have one for each team. */
const MOST = 4;

function inPod(pod: Pod, port: number, prefix: string): PrometheusServer {
  return {
    where: `pod ${pod.namespace}/${pod.name}`,
    question: (path) => ({ ask: 'page', namespace: pod.namespace, pod: pod.name, port, path: `${prefix}${path}` }),
  };
}

/** The port and the route prefix that a Prometheus pod was started with. */
function served(pod: Pod): { port: number; prefix: string } {
  const container = pod.containers.find(
    ({ name, image }) => name === 'prometheus' || /\/prometheus(:|@|$)/.test(image),
  );
  const args = container?.args ?? [];
  const flag = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--web.${name}=`))?.slice(`--web.${name}=`.length);
  const external = flag('external-url');
  const prefix = flag('route-prefix') ?? (external && URL.canParse(external) ? new URL(external).pathname : '');
  const listens = /:(\d+)$/.exec(flag('listen-address') ?? '')?.[1];
  return { port: Number(listens ?? container?.ports[0]?.port ?? 9090), prefix: prefix.replace(/\/+$/, '') };
}

/** The Prometheus servers to ask. */
export interface Servers {
  asked: readonly PrometheusServer[];
  /** How many more there are that are not asked: what none of the asked has, they may have. */
  leftOut: number;
}

export const prometheusServers = planeSource(
  [{ verb: 'list', resource: typedName(services) }],
  async (ask): Promise<Servers> => {
    const { from, scope, plane } = ask;
    if (scope.prometheus) return { asked: await named(ask, scope.prometheus), leftOut: 0 };
    const pods = (await from(allPods)).items.filter(isPrometheus);
    const nearest = [...pods].sort(
      (a, b) =>
        Number(b.namespace === plane.namespace) - Number(a.namespace === plane.namespace) ||
        Number(b.ready) - Number(a.ready),
    );
    const asked = nearest.slice(0, MOST).map((pod) => {
      const { port, prefix } = served(pod);
      return inPod(pod, port, prefix);
    });
    return { asked, leftOut: nearest.length - asked.length };
  },
);

async function named({ from }: Ask, at: NonNullable<Scope['prometheus']>): Promise<readonly PrometheusServer[]> {
  if ('url' in at) {
    const base = at.url.replace(/\/+$/, '');
    return [{ where: at.url, question: (path) => ({ ask: 'url', url: `${base}${path}` }) }];
  }
  const [pods, all] = await Promise.all([from(allPods), from(allServices)]);
  const service = all.items.find(({ name, namespace }) => name === at.service && namespace === at.namespace);
  const pod = pods.items.find(
    (pod) => pod.namespace === at.namespace && isRunning(pod) && selects(service?.selector ?? {}, pod.labels),
  );
  if (!service || !pod) {
    const question = { ask: 'object', resource: services, namespace: at.namespace, name: at.service } as const;
    throw unanswered(
      question,
      'NotFound',
      service ? 'no running pod is behind this Service' : 'there is no such Service',
    );
  }
  const port = service.ports.find((each) => each.port === at.port)?.targetPort ?? at.port;
  const number =
    typeof port === 'number'
      ? port
      : (pod.containers.flatMap(({ ports }) => ports).find(({ name }) => name === port)?.port ?? at.port);
  return [inPod(pod, number, at.prefix)];
}

/** Every server's targets and configuration. */
export const prometheusReadings = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly PrometheusReading[]> => {
    const [{ asked }, { planes }, { pods }] = await Promise.all([
      ask.from(prometheusServers),
      ask.from(detection),
      ask.from(mixer),
    ]);
    const several = planes.filter(({ generation }) => generation === 'mixer').length > 1;
    const addresses = new Set(pods.map(({ ip }) => ip));
    /** With one Mixer in the cluster every adapter is its own; with several, address or namespace tell whose it is. */
    const isOwn = (url: string, namespace: string | undefined): boolean => {
      if (!several) return true;
      const host = URL.canParse(url) ? new URL(url).hostname : '';
      return addresses.has(host) || namespace === ask.plane.namespace || host.split('.')[1] === ask.plane.namespace;
    };
    return Promise.all(
      asked.map(async (server) => {
        const [targets, jobs] = await Promise.all([settle(targetsOf(ask, server, isOwn)), settle(jobsOf(ask, server))]);
        return { where: server.where, targets, jobs };
      }),
    );
  },
);

interface RawTarget {
  discoveredLabels?: Record<string, string>;
  labels?: Record<string, string>;
  scrapeUrl?: string;
  health?: string;
  lastError?: string;
  lastScrape?: string;
}

async function targetsOf(
  { cluster }: Ask,
  server: PrometheusServer,
  isOwn: (url: string, namespace: string | undefined) => boolean,
): Promise<readonly Target[]> {
  const question = server.question('/api/v1/targets?state=active');
  const { activeTargets } = dataOf(question, await askJson(cluster, question)) as {
    activeTargets?: readonly RawTarget[] | null;
  };
  if (!activeTargets) throw unanswered(question, 'BadAnswer', 'the answer names no targets');
  return activeTargets.map(({ discoveredLabels = {}, labels = {}, scrapeUrl = '', ...target }) => {
    const job = labels.job ?? '';
    const scraped = Date.parse(target.lastScrape ?? '');
    const isAdapter =
      job === 'istio-mesh' ||
      /:42422\//.test(scrapeUrl) ||
      (/^istio-(telemetry|mixer)$/.test(discoveredLabels.__meta_kubernetes_service_name ?? '') &&
        discoveredLabels.__meta_kubernetes_endpoint_port_name === 'prometheus');
    return {
      job,
      url: scrapeUrl,
      health: target.health ?? 'unknown',
      lastError: target.lastError ?? '',
      // Go's zero time, year 1, is "never".
      lastScrape: scraped > 0 ? scraped : null,
      instance: labels.instance ?? '',
      isAdapter: isAdapter && isOwn(scrapeUrl, discoveredLabels.__meta_kubernetes_namespace),
    };
  });
}

async function jobsOf({ cluster }: Ask, server: PrometheusServer): Promise<readonly ScrapeJob[]> {
  const question = server.question('/api/v1/status/config');
  const { yaml } = dataOf(question, await askJson(cluster, question)) as { yaml?: string };
  if (yaml === undefined) throw unanswered(question, 'BadAnswer', 'the answer holds no configuration');
  try {
    return await scrapeJobsIn(yaml);
  } catch (error) {
    throw unanswered(question, 'BadAnswer', `the configuration is not valid YAML: ${messageOf(error)}`);
  }
}

/** The answer to an instant query that yields a vector. */
export async function query({ cluster }: Ask, server: PrometheusServer, promql: string): Promise<readonly Series[]> {
  const question = server.question(`/api/v1/query?query=${encodeURIComponent(promql)}`);
  const { result } = dataOf(question, await askJson(cluster, question)) as {
    result?: readonly { metric?: Record<string, string>; value?: readonly [number, string] }[];
  };
  return (result ?? []).map(({ metric = {}, value = [0, 'NaN'] }) => ({
    labels: new Map(Object.entries(metric)),
    value: Number(value[1]),
    at: value[0] * 1000,
  }));
}

function dataOf(question: PageQuestion | UrlQuestion, answer: unknown): object {
  const { status, data, error } = (answer ?? {}) as { status?: string; data?: unknown; error?: string };
  if (status === 'success' && typeof data === 'object' && data !== null) return data;
  throw unanswered(question, 'BadAnswer', error ?? 'not an answer of Prometheus’ API');
}
