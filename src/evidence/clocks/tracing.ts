import type { PageQuestion } from '../../cluster/question/question.ts';
import { askJson } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { NoAnswer } from '../../errors.ts';
import { telemetryObjects } from '../istio/telemetry.ts';
import { allPods, type Listing } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';

/** What a Telemetry object says of tracing. */
export interface TracingRule {
  name: string;
  namespace: string;
  /** Whether it is for some workloads only. */
  selects: boolean;
  disabled: boolean;
  /** Percent; null when it does not say. */
  sampling: number | null;
  provider: string | null;
}

interface RawTelemetry {
  selector?: unknown;
  targetRef?: unknown;
  targetRefs?: unknown;
  tracing?: readonly {
    disableSpanReporting?: boolean;
    randomSamplingPercentage?: number;
    providers?: readonly { name?: string }[];
  }[];
}

export const tracingRules = clusterSource([], async ({ from }): Promise<Listing<TracingRule>> => {
  const listing = await from(telemetryObjects);
  const rules = listing.items.map(({ metadata, spec }): readonly TracingRule[] => {
    const { selector, targetRef, targetRefs, tracing = [] } = (spec ?? {}) as RawTelemetry;
    return tracing.map((each) => ({
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      selects: [selector, targetRef, targetRefs].some((part) => part !== undefined),
      disabled: each.disableSpanReporting === true,
      sampling: each.randomSamplingPercentage ?? null,
      provider: each.providers?.[0]?.name ?? null,
    }));
  });
  return { ...listing, items: rules.flat() };
});

/** A store of traces in the cluster, and when its newest span began, in milliseconds since 1970; null when it is empty. */
export interface TraceStore {
  where: string;
  newest: Attempt<number | null>;
}

const runs = (pod: Pod, image: RegExp): boolean =>
  isRunning(pod) && pod.containers.some((each) => image.test(each.image));

/** Microseconds in both; what is no time is left out. */
const latest = (times: readonly unknown[]): number | null => {
  const known = times.map(Number).filter((time) => Number.isFinite(time) && time > 0);
  return known.length === 0 ? null : Math.max(...known) / 1000;
};

/** A path below a prefix that some installations have, and others have not. */
async function askBelow(
  ask: Ask,
  of: Pick<PageQuestion, 'ask' | 'namespace' | 'pod' | 'port'>,
  prefix: string,
  path: string,
): Promise<unknown> {
  const below = await settle(askJson(ask.cluster, { ...of, path: `${prefix}${path}` }));
  if ('got' in below) return below.got;
  const plain = await settle(askJson(ask.cluster, { ...of, path }));
  if ('got' in plain) return plain.got;
  throw new NoAnswer(plain.missing);
}

/** Jaeger's own API, which its interface uses: the services, and the newest traces of each of the first. */
async function newestOfJaeger(ask: Ask, { namespace, name }: Pod): Promise<number | null> {
  const of = { ask: 'page', namespace, pod: name, port: 16686 } as const;
  const { data } = (await askBelow(ask, of, '/jaeger', '/api/services')) as { data?: readonly string[] | null };
  const services = (data ?? []).filter((service) => !/jaeger/.test(service)).slice(0, 5);
  const times = await Promise.all(
    services.map(async (service) => {
      const path = `/api/traces?service=${encodeURIComponent(service)}&limit=5&lookback=7d`;
      const found = (await askBelow(ask, of, '/jaeger', path)) as {
        data?: readonly { spans?: readonly { startTime?: number }[] }[] | null;
      };
      return (found.data ?? []).flatMap(({ spans = [] }) => spans.map(({ startTime }) => startTime));
    }),
  );
  return latest(times.flat());
}

async function newestOfZipkin(ask: Ask, { namespace, name }: Pod): Promise<number | null> {
  const of = { ask: 'page', namespace, pod: name, port: 9411 } as const;
  const traces = (await askBelow(
    ask,
    of,
    '/zipkin',
    '/api/v2/traces?limit=5&lookback=604800000',
  )) as readonly (readonly {
    timestamp?: number;
  }[])[];
  return latest(traces.flat().map(({ timestamp }) => timestamp));
}

/** By their images: 0.8's `zipkin` is Jaeger's collector, which answers no questions there (guide.md c, C8). */
export const traceStores = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly TraceStore[]> => {
    const pods = (await ask.from(allPods)).items;
    const jaegers = pods.filter((pod) => runs(pod, /jaegertracing\/(all-in-one|jaeger|jaeger-query|query)(:|@|$)/));
    const zipkins = pods.filter((pod) => runs(pod, /openzipkin\/zipkin/));
    return Promise.all([
      ...jaegers
        .slice(0, 2)
        .map(async (pod) => ({ where: titleOf(pod), newest: await settle(newestOfJaeger(ask, pod)) })),
      ...zipkins
        .slice(0, 2)
        .map(async (pod) => ({ where: titleOf(pod), newest: await settle(newestOfZipkin(ask, pod)) })),
    ]);
  },
);
