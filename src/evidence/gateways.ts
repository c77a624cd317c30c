import type { KubernetesObject } from '../cluster/cluster.ts';
import { istioGateways as kind, typedName } from '../cluster/resources.ts';
import { clusterSource, planeSource } from '../diagnosis/source.ts';
import type { Gateway, GatewayServer } from '../istio/gateways.ts';
import { type Json, list, object, text, texts } from './json.ts';
import { allPods, type Listing, listAll, selects } from './kubernetes.ts';
import { isRunning, type Pod } from './pod.ts';
import { proxyContainerOf } from './proxies.ts';

function serverOf({ port, hosts, tls }: Json): GatewayServer {
  const { number, name, protocol } = object(port);
  const { mode, httpsRedirect } = object(tls);
  return {
    port: Number(number) || 0,
    name: text(name),
    protocol: text(protocol).toUpperCase(),
    hosts: texts(hosts),
    tls: tls ? text(mode) || 'PASSTHROUGH' : null,
    redirects: httpsRedirect === true,
  };
}

function gatewayOf({ metadata, ...rest }: KubernetesObject): Gateway {
  const { selector, servers } = object(rest.spec);
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    exportTo: [],
    createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
    selector: object(selector) as Record<string, string>,
    servers: list(servers).map(serverOf),
  };
}

/** Istio's own Gateways, of networking.istio.io. */
export const istioGateways = clusterSource([{ verb: 'list', resource: typedName(kind) }], (ask) =>
  listAll(ask, kind, gatewayOf),
);

/** A Gateway, and the running pods that it configures. */
export interface SelectedGateway {
  gateway: Gateway;
  pods: readonly Pod[];
}

/** Each Gateway with the proxies that its selector takes, in any namespace (gateway.go, mergeGateways). */
export const selectedGateways = planeSource([], async ({ from }): Promise<Listing<SelectedGateway>> => {
  const [gateways, pods] = await Promise.all([from(istioGateways), from(allPods)]);
  const proxies = pods.items.filter((pod) => proxyContainerOf(pod) && isRunning(pod));
  return {
    ...gateways,
    refusal: gateways.refusal ?? pods.refusal,
    items: gateways.items.map((gateway) => ({
      gateway,
      pods: proxies.filter(
        ({ labels }) => Object.keys(gateway.selector).length === 0 || selects(gateway.selector, labels),
      ),
    })),
  };
});
