import type { ClockQuestion } from '../../cluster/question/question.ts';
import { leases, typedName } from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import type { ClockReading } from '../../cluster/ways/clock.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { adminPortOf, proxyContainerOf } from '../istio/proxies.ts';
import { allNodes, allPods } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { prometheusServers } from '../prometheus/server.ts';

const readingOf = async ({ cluster }: Ask, of: ClockQuestion['of']): Promise<ClockReading> =>
  (await askJson(cluster, { ask: 'clock', of })) as ClockReading;

export type { ClockReading };

export const apiServerClock = clusterSource([], (ask) => readingOf(ask, null));

/** A node's clock, as a proxy on it shows it: a container has no clock of its own (guide.md c, 1). */
export interface NodeClock {
  node: string;
  pod: string;
  reading: Attempt<ClockReading>;
}

/** One proxy on each node, on at most `scope.sample` nodes. */
export const nodeClocks = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly NodeClock[]> => {
    const ofNode = new Map<string, Pod>();
    for (const pod of (await ask.from(allPods)).items) {
      if (pod.node !== null && isRunning(pod) && pod.ready && proxyContainerOf(pod) && !ofNode.has(pod.node))
        ofNode.set(pod.node, pod);
    }
    return Promise.all(
      [...ofNode].slice(0, ask.scope.sample).map(async ([node, pod]) => {
        const container = proxyContainerOf(pod);
        const port = container ? adminPortOf(container) : 15000;
        const of = { namespace: pod.namespace, pod: pod.name, port, path: '/server_info' };
        return { node, pod: pod.name, reading: await settle(readingOf(ask, of)) };
      }),
    );
  },
);

/** When a node last said by its own clock that it lives. */
export interface Renewal {
  node: string;
  /** Milliseconds since 1970. */
  renewedAt: number;
  /** A node that is not ready renews nothing: that is no matter of clocks. null when it is not known. */
  ready: boolean | null;
}

export const renewals = clusterSource(
  [{ verb: 'list', resource: typedName(leases) }],
  async (ask): Promise<readonly Renewal[]> => {
    const question = { ask: 'list', resource: leases, namespace: 'kube-node-lease' } as const;
    const [all, known] = await Promise.all([ask.cluster.list(question), settle(ask.from(allNodes))]);
    return all.flatMap(({ metadata, spec }) => {
      const renewedAt = Date.parse((spec as { renewTime?: string } | undefined)?.renewTime ?? '');
      const node = 'got' in known ? known.got.items.find(({ name }) => name === metadata.name) : undefined;
      return Number.isFinite(renewedAt) ? [{ node: metadata.name, renewedAt, ready: node?.ready ?? null }] : [];
    });
  },
);

/** The clock of each Prometheus: what its queries take for now. */
export interface PrometheusClock {
  where: string;
  reading: Attempt<ClockReading>;
}

export const prometheusClocks = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly PrometheusClock[]> => {
    const { asked } = await ask.from(prometheusServers);
    return Promise.all(
      asked.flatMap(({ where, question }) => {
        const page = question('/api/v1/query?query=time()');
        if (page.ask !== 'page') return [];
        const { namespace, pod, port, path } = page;
        return [settle(readingOf(ask, { namespace, pod, port, path })).then((reading) => ({ where, reading }))];
      }),
    );
  },
);
