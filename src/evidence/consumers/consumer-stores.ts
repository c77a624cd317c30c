import { keyOf } from '../../cluster/question/question.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { allNamespaces, allPods, allServices, selects } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { meshStore } from '../prometheus/mesh-store.ts';
import { fresh, loaded } from '../prometheus/proxies.ts';
import type { Series } from '../prometheus/query.ts';
import { inPod, type PrometheusServer, prometheusServers } from '../prometheus/server.ts';
import { allSeries, askStore } from '../prometheus/store.ts';
import { addressed, type Known, type Leads } from './address.ts';
import { type Asked, type Consumer, consumers } from './consumers.ts';

/** A store that a consumer asks, and what is there. */
export interface ConsumerStore extends Asked {
  leads: Leads;
  /** Whether it holds series of Istio's proxies; null where it was not asked. */
  holds: Attempt<{ holds: boolean; partial: readonly string[] }> | null;
}

export interface Consuming {
  consumer: Consumer;
  stores: readonly ConsumerStore[];
}

export interface ConsumerStores {
  consuming: readonly Consuming[];
  /** The address, as anybody in the cluster can ask it, of the store that holds the mesh’s series; null where no Service leads to it. */
  rightUrl: string | null;
  /** Whether all Services are known: what is not there could be among the others. */
  isComplete: boolean;
}

/** Series of Envoys and of ztunnels: one of these every store of such a mesh has. */
const PROMQL = 'count by (component) (istio_build{component=~"proxy|ztunnel"}) or count(istio_requests_total)';

const isOfThese = ({ labels }: Series): boolean =>
  /^(proxy|ztunnel)$/.test(labels.get('component') ?? '') || labels.get('__name__') === 'istio_requests_total';

async function holdsIn(ask: Ask, leads: Leads): Promise<ConsumerStore['holds']> {
  if (leads.to !== 'service' || leads.isEncrypted) return null;
  const pod = leads.pods.find(({ ready }) => ready) ?? leads.pods[0];
  if (!pod) return null;
  const { port, prefix } = leads;
  const server = inPod(pod, port, prefix);
  if (await isKnownToHold(ask, server)) return { got: { holds: true, partial: [] } };
  const { series, partial } = await askStore(ask, server, PROMQL);
  return 'got' in series ? { got: { holds: series.got.some(({ value }) => value > 0), partial } } : series;
}

/** Whether the store that holds the mesh's series is the one, and has told these already. */
async function isKnownToHold({ from }: Ask, server: PrometheusServer): Promise<boolean> {
  const [{ asked }, store] = await Promise.all([from(prometheusServers), from(meshStore)]);
  const own = store && asked[store.index];
  if (!own || keyOf(own.question('')) !== keyOf(server.question(''))) return false;
  const told = await Promise.all([from(loaded), from(fresh)]);
  return allSeries(told.flatMap((answers) => answers[store.index] ?? [])).some(isOfThese);
}

/** What each consumer's stores hold: what they have not told yet they are asked, so that what stands in front of a Prometheus is known too. */
export const consumerStores = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<ConsumerStores> => {
    const { from } = ask;
    const [found, services, pods, namespaces, store] = await Promise.all([
      from(consumers),
      from(allServices),
      from(allPods),
      settle(from(allNamespaces)),
      from(meshStore),
    ]);
    const known = {
      services: services.items,
      pods: pods.items,
      namespaces: 'got' in namespaces ? new Set(namespaces.got.items.map(({ name }) => name)) : null,
    };
    const consuming = await Promise.all(
      found.map(async (consumer) => ({
        consumer,
        stores: await Promise.all(
          ('got' in consumer.asks ? consumer.asks.got : []).map(async (each) => {
            const leads = addressed(each.url, consumer.namespace, known);
            return { ...each, leads, holds: await holdsIn(ask, leads) };
          }),
        ),
      })),
    );
    return {
      consuming,
      isComplete: services.complete && pods.complete,
      rightUrl: store?.holds === true ? urlOf(store.pod, known) : null,
    };
  },
);

/** The address of a Service that leads to a store's pod. */
function urlOf(pod: Pod | null, { services }: Known): string | null {
  if (!pod || !isRunning(pod)) return null;
  const service = services.find(
    (each) => each.namespace === pod.namespace && selects(each.selector, pod.labels) && each.ports.length > 0,
  );
  const port =
    service?.ports.find(({ name }) => /^(http|web|http-web|prometheus)/.test(name ?? '')) ?? service?.ports[0];
  return service && port ? `http://${service.name}.${service.namespace}:${port.port}` : null;
}
