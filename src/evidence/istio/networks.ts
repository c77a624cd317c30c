import { clusterSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { allServices, itemsOf, missingOf } from '../kubernetes/lists.ts';
import { type Named, titleOf } from '../kubernetes/named.ts';
import { apiGateways } from './gateway-api.ts';
import { knownClusters } from './remote-clusters.ts';

/** The label by which a gateway's Service says to which network it is the door (istio.io, setup/install/multicluster). */
const NETWORK = 'topology.istio.io/network';

/** The classes of Gateways between networks: one of this network, or where another network's is. */
const CLASSES: readonly string[] = ['istio-east-west', 'istio-remote'];

export const isEastWest = ({ className }: { className: string }): boolean => CLASSES.includes(className);

/** What leads to other networks, or to other clusters: what comes by it comes from an address of its own. */
export interface Elsewhere {
  /** `Gateway istio-system/istio-eastwestgateway`, `Service …`, `cluster west`. */
  doors: readonly string[];
  /** Why there may be more. */
  missing: readonly Unanswered[];
}

export const elsewhere = clusterSource([], async ({ from }): Promise<Elsewhere> => {
  const [gateways, services, clusters] = await Promise.all([
    settle(from(apiGateways)),
    settle(from(allServices)),
    settle(from(knownClusters)),
  ]);
  const named = (kind: string, all: readonly Named[]): readonly string[] =>
    all.map((each) => `${kind} ${titleOf(each)}`);
  const known = 'got' in clusters ? clusters.got.filter(({ isOwn }) => !isOwn) : [];
  return {
    doors: [
      ...named('Gateway', itemsOf(gateways).filter(isEastWest)),
      ...named(
        'Service',
        itemsOf(services).filter(({ labels }) => labels[NETWORK] !== undefined),
      ),
      ...known.map(({ id }) => `cluster ${id}`),
    ],
    missing: [...missingOf(gateways), ...missingOf(services)],
  };
});
