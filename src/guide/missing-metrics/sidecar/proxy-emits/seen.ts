import { count } from '../../../../diagnosis/verdict.ts';
import type { Unanswered } from '../../../../errors.ts';
import type { Emission, ReadProxy } from '../../../../evidence/envoy/emission.ts';
import { isLoaded, type MetricsPage } from '../../../../evidence/envoy/metrics-page.ts';
import type { Proxy as MeshProxy } from '../../../../evidence/istio/population.ts';
import { ownerOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';

/** What the pages of one proxy say of the stats filter. */
export type Seen =
  | { state: 'loaded'; proxy: ReadProxy; page: MetricsPage }
  | { state: 'not loaded'; proxy: ReadProxy; page: MetricsPage }
  | { state: 'unread'; proxy: ReadProxy; missing: readonly Unanswered[] };

export function seenOf(proxy: ReadProxy): Seen {
  const pages = [proxy.own, proxy.merged].flatMap((each) => (each && 'got' in each ? [each.got] : []));
  const loaded = pages.find(isLoaded);
  if (loaded) return { state: 'loaded', proxy, page: loaded };
  if (proxy.own && 'got' in proxy.own) return { state: 'not loaded', proxy, page: proxy.own.got };
  // The agent's page is enough where Envoy's part is on it, and not an application's that is an Envoy itself.
  const merged = 'got' in proxy.merged ? proxy.merged.got : null;
  if (merged?.state != null && (merged.failures.get('envoy') ?? 0) === 0)
    return { state: 'not loaded', proxy, page: merged };
  const missing = [proxy.own, proxy.merged].flatMap((each) => (each && 'missing' in each ? [each.missing] : []));
  return { state: 'unread', proxy, missing };
}

/** The listeners of every proxy's own: for metrics and for health, and those for metrics by mutual TLS (1.31). */
const ownListeners = ({ annotations }: Pod): number =>
  2 +
  ['prometheus.istio.io/secure-port', 'prometheus.istio.io/secure-envoy-port'].filter((name) => name in annotations)
    .length;

/**
 * Whether a gateway has nothing to serve: the stats filter comes with the listeners of a Gateway, and none is for it
 * (pilot/pkg/networking/core/gateway.go, buildGatewayListeners).
 */
export const isIdleGateway = ({ proxy, page }: Extract<Seen, { state: 'not loaded' }>): boolean =>
  proxy.kind === 'gateway' && page.listeners !== null && page.listeners <= ownListeners(proxy.pod);

/** Those of one state. */
export const inState = <State extends Seen['state']>(
  seen: readonly Seen[],
  state: State,
): readonly Extract<Seen, { state: State }>[] =>
  seen.filter((each): each is Extract<Seen, { state: State }> => each.state === state);

/** Those that no store has. */
export const suspectsOf = ({ judged, proven }: Emission): readonly MeshProxy[] =>
  judged.filter(({ pod }) => !proven.has(pod));

const ownerName = ({ pod }: Pick<MeshProxy, 'pod'>): string => {
  const { kind, namespace, name } = ownerOf(pod);
  return `${kind} ${namespace}/${name}`;
};

/** Suspects that are as those of `found`: asked themselves, or pods of an owner of which all that were asked are so. */
export function likeThose(emission: Emission, found: readonly MeshProxy[]): readonly Pod[] {
  const own = new Set(found.map(({ pod }) => pod));
  const others = new Set(emission.asked.filter(({ pod }) => !own.has(pod)).map(ownerName));
  const asked = new Set(emission.asked.map(({ pod }) => pod));
  const owners = new Set(found.map(ownerName).filter((owner) => !others.has(owner)));
  return suspectsOf(emission)
    .filter((proxy) => own.has(proxy.pod) || (!asked.has(proxy.pod) && owners.has(ownerName(proxy))))
    .map(({ pod }) => pod);
}

/** `12 of 40 proxies`. */
export const ofAll = (number: number, { judged }: Pick<Emission, 'judged'>): string =>
  `${number} of ${count(judged.length, 'proxy', 'proxies')}`;

/** How many were not asked, where that matters. */
export function unaskedIn(emission: Emission): string {
  const left = suspectsOf(emission).length - emission.asked.length;
  return left > 0 ? `; ${emission.asked.length} of ${emission.asked.length + left} that no store has were asked` : '';
}
