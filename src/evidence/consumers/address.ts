import { selects } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { type Service, targetOf } from '../kubernetes/service.ts';

/** What the address of a store leads to, as far as this cluster tells. */
export type Leads =
  /** A Service of this cluster, by the port that is meant, and the pods behind it. */
  | { to: 'service'; service: Service; pods: readonly Pod[]; port: number; prefix: string; isEncrypted: boolean }
  /** A Service that there is not. */
  | { to: 'nothing'; name: string; namespace: string }
  /** A port that the Service does not have. */
  | { to: 'no port'; service: Service; port: number }
  /** Somewhere else, or through something of which no pod is known. */
  | { to: 'elsewhere' };

/** Kubernetes' own: what is called so is a Service of this cluster or nothing. */
const SERVICE = /^([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]+)?)?)?\.?$/i;

/** What of this cluster is known. */
export interface Known {
  services: readonly Service[];
  pods: readonly Pod[];
  /** Null where they could not be listed. */
  namespaces: ReadonlySet<string> | null;
}

/** What a URL that a pod of `from` asks leads to. */
export function addressed(url: string, from: string, { services, pods, namespaces }: Known): Leads {
  if (!URL.canParse(url)) return { to: 'elsewhere' };
  const { hostname, port: named, protocol, pathname } = new URL(url);
  const isEncrypted = protocol === 'https:';
  const [, name, said] = SERVICE.exec(hostname) ?? [];
  if (name === undefined || (protocol !== 'http:' && !isEncrypted) || name === 'localhost') return { to: 'elsewhere' };
  const namespace = said ?? from;
  const service = services.find((each) => each.name === name && each.namespace === namespace);
  const isOurs = /\.svc(\.|$)/.test(hostname) || said === undefined || namespaces?.has(namespace);
  if (!service) return isOurs ? { to: 'nothing', name, namespace } : { to: 'elsewhere' };
  if (service.external || Object.keys(service.selector).length === 0) return { to: 'elsewhere' };
  const asked = Number(named) || (isEncrypted ? 443 : 80);
  const behind = pods.filter(
    (pod) => pod.namespace === namespace && isRunning(pod) && selects(service.selector, pod.labels),
  );
  const [first] = behind;
  const port = service.ports.find((each) => each.port === asked);
  // Without an address of its own a Service leads to any port of its pods.
  if (!port && !service.headless) return { to: 'no port', service, port: asked };
  return {
    to: 'service',
    service,
    pods: behind,
    port: (port && first && targetOf(port, first)) ?? asked,
    prefix: pathname.replace(/\/+$/, ''),
    isEncrypted,
  };
}
