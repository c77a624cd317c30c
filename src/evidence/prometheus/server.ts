import type { PageQuestion, UrlQuestion } from '../../cluster/question/question.ts';
import { services, typedName } from '../../cluster/question/resources.ts';
import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Scope, Source } from '../../diagnosis/check.ts';
import { clusterSource, planeSource } from '../../diagnosis/source.ts';
import { allPods, allServices, selects } from '../kubernetes/lists.ts';
import { type Container, isRunning, type Pod } from '../kubernetes/pod.ts';
import { targetOf } from '../kubernetes/service.ts';

/** Where a Prometheus answers. */
export interface PrometheusServer {
  /** `pod istio-system/prometheus-…` or the URL: for messages. */
  where: string;
  /** Null of one at a URL. */
  pod: Pod | null;
  readonly question: (path: string) => PageQuestion | UrlQuestion;
}

/** Runs Prometheus itself, and not its operator, gateway, adapter or alert manager (mixer.md 7, trap 23). */
const isPrometheus = ({ name, image }: Container): boolean =>
  (name === 'prometheus' || /\/prometheus(:|@|$)/.test(image)) && !/operator/.test(image);

/** Whether a pod is one of Prometheus’ own, which sends requests to whatever it scrapes. */
export const runsPrometheus = ({ containers }: Pod): boolean => containers.some(isPrometheus);

/** At most so many are asked, those beside Istio first: a cluster may have one for each team. */
const MOST = 4;

/** What answers like a Prometheus at a port of a pod. */
export function inPod(pod: Pod, port: number, prefix: string): PrometheusServer {
  return {
    pod,
    where: `pod ${pod.namespace}/${pod.name}`,
    question: (path) => ({ ask: 'page', namespace: pod.namespace, pod: pod.name, port, path: `${prefix}${path}` }),
  };
}

/** The port and the route prefix that a Prometheus pod was started with. */
function served(pod: Pod): { port: number; prefix: string } {
  const container = pod.containers.find(isPrometheus);
  const args = container?.args ?? [];
  const flag = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--web.${name}=`))?.slice(`--web.${name}=`.length);
  const external = flag('external-url');
  const prefix = flag('route-prefix') ?? (external && URL.canParse(external) ? new URL(external).pathname : '');
  const listens = /:(\d+)$/.exec(flag('listen-address') ?? '')?.[1];
  return { port: Number(listens ?? container?.ports[0]?.port ?? 9090), prefix: prefix.replace(/\/+$/, '') };
}

const sources = new Map<string, Source<unknown>>();

/** What one server is asked once in a run, however many control planes it is about; `what` tells it from all else. */
export function ofServer<T>(server: PrometheusServer, what: string, gather: (ask: Ask) => Promise<T>): Source<T> {
  const key = JSON.stringify([server.where, server.question(''), what]);
  const known = sources.get(key);
  if (known) return known as Source<T>;
  const made = clusterSource([{ verb: 'create', resource: 'pods/portforward' }], gather);
  sources.set(key, made);
  return made;
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
    const pods = (await from(allPods)).items.filter((pod) => isRunning(pod) && runsPrometheus(pod));
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
    const { login } = at;
    return [
      {
        where: at.url,
        pod: null,
        question: (path) => ({ ask: 'url', url: `${base}${path}`, ...(login && { login }) }),
      },
    ];
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
  const port = service.ports.find((each) => each.port === at.port);
  return [inPod(pod, (port && targetOf(port, pod)) ?? at.port, at.prefix)];
}
