import type { PageQuestion } from '../cluster/question.ts';
import { quoteAnswer, textOf, unanswered } from '../cluster/text.ts';
import type { Attempt } from '../diagnosis/check.ts';
import { planeSource, settle } from '../diagnosis/source.ts';
import type { Unanswered } from '../errors.ts';
import { controlPlanesOf, detection } from './istio.ts';
import { allPods, type Container, isRunning, type Pod } from './kubernetes.ts';
import { allSyncs, belongsTo } from './pilot.ts';
import { selectedPods } from './workload.ts';

/** Before this age a proxy may not have its first configuration yet (ms; guide.md b, 3). */
const SETTLED = 60_000;

/** Names of the container that runs Envoy or ztunnel, in every release (guide.md 0.3). */
const PROXY_CONTAINERS = ['istio-proxy', 'ingressgateway', 'egressgateway', 'ingress'];

/** The container of a proxy: a sidecar's, a gateway's of 0.8, a waypoint's, ztunnel's. */
export const proxyContainerOf = ({ containers }: Pod): Container | undefined =>
  containers.find(({ name, image }) => PROXY_CONTAINERS.includes(name) && !/pilot/.test(image));

/** Envoy's admin port, which the injector may have moved. */
export const adminPortOf = ({ args }: Container): number => {
  const at = args.indexOf('--proxyAdminPort');
  return Number(at < 0 ? 15000 : args[at + 1]) || 15000;
};

/** Envoy of 0.8's image `proxy` polls Pilot's old REST pages: no page of Pilot lists it (guide.md b, B3). */
const isPolling = ({ image }: Container): boolean => /\/proxy(_debug)?:0\.[5-8]/.test(image);

/** Control-plane pods have a proxy for their own port, which is no workload's. */
const isControlPlanes = ({ labels }: Pod): boolean =>
  /^(pilot|mixer|citadel|galley|sidecar-injector)$/.test(labels.istio ?? '') || labels.app === 'istiod';

/** The proxies that should have their configuration from this control plane. */
export interface Expected {
  pods: readonly Pod[];
  /** Running, and too young to be judged. */
  young: number;
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

export const expectedProxies = planeSource([], async (ask): Promise<Expected> => {
  const { from, scope, plane, now } = ask;
  const [all, selected, { all: planes }] = await Promise.all([from(allPods), from(selectedPods), from(detection)]);
  const ofPlane = (pod: Pod): boolean => belongsTo(pod, plane, controlPlanesOf(planes));
  const proxies = (selected ?? all).items.filter((pod) => {
    const container = proxyContainerOf(pod);
    return container !== undefined && isRunning(pod) && !isControlPlanes(pod) && !isPolling(container) && ofPlane(pod);
  });
  const judged = proxies.filter(({ namespace }) => scope.namespace === null || namespace === scope.namespace);
  const isYoung = ({ startedAt }: Pod): boolean => startedAt !== null && now - startedAt < SETTLED;
  return { pods: judged.filter((pod) => !isYoung(pod)), young: judged.filter(isYoung).length, refusal: all.refusal };
});

/** What one Envoy counts of the configurations that it got. */
export interface ProxyUpdates {
  pod: Pod;
  /** By `cds` and `lds`. */
  updates: Attempt<Readonly<Record<'cds' | 'lds', { success: number; rejected: number }>>>;
}

const FILTER = '^(cluster_manager.cds|listener_manager.lds).update_(success|rejected)$';

/** At most `scope.sample` proxies, those first that no replica lists or that are not in sync. */
export const proxyUpdates = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from, cluster, scope }): Promise<readonly ProxyUpdates[]> => {
    const [{ pods }, syncs] = await Promise.all([from(expectedProxies), settle(from(allSyncs))]);
    const synced = new Set(
      ('got' in syncs ? syncs.got : []).flatMap(({ proxies }) =>
        'got' in proxies
          ? proxies.got
              .filter(({ types }) => types.every(({ sent, acked }) => sent === acked))
              .map(({ proxy }) => proxy)
          : [],
      ),
    );
    const isSynced = ({ name, namespace }: Pod): boolean => synced.has(`${name}.${namespace}`);
    const envoys = pods.filter(({ labels }) => labels.app !== 'ztunnel');
    const asked = [...envoys].sort((a, b) => Number(isSynced(a)) - Number(isSynced(b))).slice(0, scope.sample);
    return Promise.all(
      asked.map(async (pod) => {
        const container = proxyContainerOf(pod);
        const question: PageQuestion = {
          ask: 'page',
          namespace: pod.namespace,
          pod: pod.name,
          port: container ? adminPortOf(container) : 15000,
          path: `/stats?usedonly&filter=${FILTER}`,
        };
        const read = async () => {
          const answer = await cluster.read(question);
          if (answer.status !== 200)
            throw unanswered(question, 'BadAnswer', `HTTP ${answer.status}: ${await quoteAnswer(answer)}`);
          return updatesIn(await textOf(question, answer));
        };
        return { pod, updates: await settle(read()) };
      }),
    );
  },
);

/** `cluster_manager.cds.update_success: 3`; what was never counted is not there. */
function updatesIn(page: string): Record<'cds' | 'lds', { success: number; rejected: number }> {
  const updates = { cds: { success: 0, rejected: 0 }, lds: { success: 0, rejected: 0 } };
  for (const [, kind, what, value] of page.matchAll(/\.(cds|lds)\.update_(success|rejected): (\d+)/g)) {
    updates[kind as 'cds' | 'lds'][what as 'success' | 'rejected'] = Number(value);
  }
  return updates;
}
