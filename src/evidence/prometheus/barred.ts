import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { networkPolicies, typedName } from '../../cluster/question/resources.ts';
import { clusterSource, proxySource } from '../../diagnosis/source.ts';
import { troubleOf } from '../../scraping/last-error.ts';
import { barring, type Ingress, type NetworkPolicy } from '../../scraping/network-policies.ts';
import { listAll } from '../kubernetes/lists.ts';
import { named } from '../kubernetes/named.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { selectorIn } from '../kubernetes/selector.ts';
import { list, object, text, texts } from '../text/json.ts';
import { proxyScraping, type Scraping } from './scraping.ts';

/** The NetworkPolicies that keep Prometheus from proxies whose scrapes time out. */
export type Barred = ReadonlyMap<Pod, readonly NetworkPolicy[]>;

/** Proxies whose scrapes time out, and at which port. */
const lateIn = ({ targets, up }: Pick<Scraping, 'targets' | 'up'>): readonly { pod: Pod; port: number }[] =>
  [...targets].flatMap(([pod, own]) => {
    const target = own.find(({ health, lastError }) => health === 'down' && troubleOf(lastError) === 'ScrapeTimedOut');
    const port = target && URL.canParse(target.url) ? Number(new URL(target.url).port) : 0;
    return target && !up.has(pod) ? [{ pod, port }] : [];
  });

/** By the first of the Prometheus pods. */
export function barredPods(scraping: Scraping, policies: readonly NetworkPolicy[]): Barred {
  const { serverPods, namespaces } = scraping;
  const caller = serverPods[0] ?? null;
  return new Map(
    lateIn(scraping).flatMap(({ pod, port }) => {
      const own = barring(policies, { pod, port, caller, namespaces });
      return own.length > 0 ? [[pod, own] as const] : [];
    }),
  );
}

/** All of the cluster. */
export const allPolicies = clusterSource([{ verb: 'list', resource: typedName(networkPolicies) }], (ask) =>
  listAll(ask, networkPolicies, policyIn),
);

/** Where no scrape timed out nothing is asked. Throws NoAnswer where they may not be listed. */
export const barredProxies = proxySource(
  [{ verb: 'list', resource: typedName(networkPolicies) }],
  async (ask): Promise<Barred> => {
    const scraping = await ask.from(proxyScraping);
    if (lateIn(scraping).length === 0) return new Map();
    return barredPods(scraping, (await ask.from(allPolicies)).items);
  },
);

export function policyIn(from: KubernetesObject): NetworkPolicy {
  const { podSelector, policyTypes, ingress } = object(from.spec);
  const types = texts(policyTypes);
  return {
    ...named(from),
    selector: selectorIn(podSelector) ?? {},
    // It says who may come in unless it names the types that it is about without it.
    ingress: types.length === 0 || types.includes('Ingress') ? list(ingress).map(ingressIn) : null,
  };
}

const ingressIn = ({ ports, from }: Record<string, unknown>): Ingress => ({
  ports: list(ports).flatMap(({ port, endPort, protocol }) =>
    (text(protocol) || 'TCP') === 'TCP'
      ? [
          {
            port: typeof port === 'number' ? port : text(port) || null,
            endPort: typeof endPort === 'number' ? endPort : null,
          },
        ]
      : // Another protocol's: it opens none of TCP's.
        [{ port: -1, endPort: null }],
  ),
  from: list(from).map(({ podSelector, namespaceSelector, ipBlock }) => ({
    pods: selectorIn(podSelector),
    namespaces: selectorIn(namespaceSelector),
    isBlock: ipBlock !== undefined && ipBlock !== null,
  })),
});
