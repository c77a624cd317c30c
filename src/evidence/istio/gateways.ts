import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { istioGateways as kind } from '../../cluster/question/resources.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { type GatewayView, gatewayViewOf } from '../../istio/gateway-view.ts';
import type { Gateway, GatewayServer } from '../../istio/gateways.ts';
import type { Caller } from '../../istio/http-rules.ts';
import { isSidecar } from '../envoy/asked.ts';
import { allPods, allServices, type Listing, selects } from '../kubernetes/lists.ts';
import { dated } from '../kubernetes/named.ts';
import { isOn, isRunning, type Pod } from '../kubernetes/pod.ts';
import type { Service } from '../kubernetes/service.ts';
import { type Json, list, object, text, texts } from '../text/json.ts';
import { calls } from './calls.ts';
import { configuration } from './configuration.ts';
import { pilots } from './pilot.ts';
import { proxyContainerOf } from './proxies.ts';

function serverOf({ port, hosts, tls, bind }: Json): GatewayServer {
  const { number, name, protocol } = object(port);
  const { mode, httpsRedirect } = object(tls);
  return {
    port: Number(number) || 0,
    name: text(name),
    protocol: text(protocol).toUpperCase(),
    hosts: texts(hosts),
    tls: tls ? text(mode) || 'PASSTHROUGH' : null,
    redirects: httpsRedirect === true,
    bind: text(bind),
  };
}

function gatewayOf(from: KubernetesObject): Gateway {
  const { selector, servers } = object(from.spec);
  return {
    ...dated(from),
    exportTo: [],
    selector: object(selector) as Record<string, string>,
    servers: list(servers).map(serverOf),
  };
}

/** Istio's own Gateways, of networking.istio.io. */
export const istioGateways = configuration(kind, gatewayOf);

/** A Gateway, and the running pods that it configures. */
export interface SelectedGateway {
  gateway: Gateway;
  pods: readonly Pod[];
  /** Whether it is for pods of its own namespace only, by a switch of istiod. */
  isScoped: boolean;
}

/** Whether Istio gives a pod what Gateways say: of the proxies the sidecars, waypoints and ztunnels take none (push_context.go, mergeGateways; context.go, SetGatewaysForProxy). */
function isGatewayPod(pod: Pod): boolean {
  const container = proxyContainerOf(pod);
  if (!container || !isRunning(pod) || pod.labels.app === 'ztunnel') return false;
  return !container.args.includes('waypoint') && !isSidecar({ pod, container });
}

/** Each Gateway with the proxies that its selector takes, in any namespace (push_context.go, mergeGateways). */
export const selectedGateways = planeSource([], async ({ from }): Promise<Listing<SelectedGateway>> => {
  const [gateways, pods, replicas] = await Promise.all([from(istioGateways), from(allPods), from(pilots)]);
  const isScoped = replicas.some(({ pod }) =>
    pod.containers.some(({ variables }) => isOn(variables.PILOT_SCOPE_GATEWAY_TO_NAMESPACE)),
  );
  const proxies = pods.items.filter(isGatewayPod);
  return {
    ...gateways,
    refusal: gateways.refusal ?? pods.refusal,
    items: gateways.items.map((gateway) => ({
      gateway,
      pods: proxies.filter(
        ({ labels, namespace }) =>
          (!isScoped || namespace === gateway.namespace) &&
          (Object.keys(gateway.selector).length === 0 || selects(gateway.selector, labels)),
      ),
      isScoped,
    })),
  };
});

/** Proxies of Gateways that have the same. */
export interface GatewayProxies {
  /** None where a Gateway has no proxy: then what one of its own namespace would have. */
  pods: readonly Pod[];
  namespace: string;
  view: GatewayView;
}

/** The port of a pod that a Service leads a port to: the Gateway names the Service's (pilot/pkg/model/gateway.go, resolvePorts). */
function listensFor(services: readonly Service[], pod: Pod): (port: number) => number {
  const own = services.filter(
    ({ namespace, selector, labels }) =>
      namespace === pod.namespace &&
      Object.keys(selector).length > 0 &&
      selects(selector, pod.labels) &&
      labels['experimental.istio.io/disable-gateway-port-translation'] === undefined,
  );
  const named = new Map(
    pod.containers.flatMap(({ ports }) => ports.flatMap(({ name, port }) => (name === null ? [] : [[name, port]]))),
  );
  return (number) => {
    const found = own.flatMap(({ ports }) => ports).find(({ port }) => port === number);
    return Number(typeof found?.targetPort === 'string' ? named.get(found.targetPort) : found?.targetPort) || number;
  };
}

/** What the proxies of Gateways have of them and of their rules, those of one kind together. */
export const gatewayProxies = planeSource([], async ({ from }): Promise<Listing<GatewayProxies>> => {
  const [{ routing }, gateways, services] = await Promise.all([from(calls), from(selectedGateways), from(allServices)]);
  const taking = new Map<Pod, Gateway[]>();
  for (const { gateway, pods } of gateways.items)
    for (const pod of pods) taking.set(pod, [...(taking.get(pod) ?? []), gateway]);
  const kinds = new Map<string, Pod[]>();
  for (const pod of taking.keys()) {
    const kind = JSON.stringify([pod.namespace, pod.labels]);
    kinds.set(kind, [...(kinds.get(kind) ?? []), pod]);
  }
  const viewOf = (caller: Caller, own: readonly Gateway[], listens?: (port: number) => number): GatewayView =>
    gatewayViewOf(own, routing.virtualServices, caller, listens);
  return {
    ...gateways,
    refusal: gateways.refusal ?? services.refusal,
    items: [
      ...[...kinds.values()].flatMap((pods): readonly GatewayProxies[] => {
        const [pod] = pods;
        if (!pod) return [];
        const view = viewOf(pod, taking.get(pod) ?? [], listensFor(services.items, pod));
        return [{ pods, namespace: pod.namespace, view }];
      }),
      ...gateways.items
        .filter(({ pods }) => pods.length === 0)
        .map(({ gateway }): GatewayProxies => {
          const { namespace, selector } = gateway;
          return { pods: [], namespace, view: viewOf({ namespace, labels: selector }, [gateway]) };
        }),
    ],
  };
});
