import type { Population } from '../../../../evidence/istio/population.ts';
import { behindAny } from '../../../../evidence/istio/servers.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { type Service, type ServicePort, targetOf } from '../../../../evidence/kubernetes/service.ts';
import { type Protocol, protocolOf } from '../../../../istio/protocol.ts';
import { isNamedStore, saysStore, storeOn } from '../../../headless-tcp/stores.ts';

/** A port of a Service with sidecars behind it, and what Istio takes it for. */
export interface Looked {
  service: Service;
  port: ServicePort;
  protocol: Protocol;
  /** The sidecars' pods behind it. */
  pods: readonly Pod[];
  /** What says that HTTP is spoken there: a name, which is sure of it; or a number that is usual; null for nothing. */
  hint: { words: string; by: 'name' | 'number' } | null;
}

/** Words of HTTP in a name, between its hyphens; not those of TLS. */
const HTTP = /(^|[-_.])(https?|http[12]|h2c?|grpc|web|rest|graphql|www)($|[-_.])/i;
const saysHttp = (name: string | null): boolean => {
  const [, , word = ''] = HTTP.exec(name ?? '') ?? [];
  return word !== '' && word.toLowerCase() !== 'https';
};

/** Numbers on which HTTP is usual, and little else. */
const USUAL = [80, 3000, 5000, 8000, 8008, 8080, 8081, 8088, 8090, 8888, 9080];

/** What names the port that a Service's port leads to: the Service itself, and the containers behind it. */
function namesOf(
  { name, targetPort }: ServicePort,
  targets: ReadonlyMap<Pod, number>,
): readonly (readonly [string, string])[] {
  const containers = [...targets].flatMap(([pod, target]) =>
    pod.containers.flatMap(({ ports }) =>
      ports.flatMap((each) => (each.port === target && each.name !== null ? [each.name] : [])),
    ),
  );
  return [
    ...(name === null ? [] : [[`the port's name ${name}`, name] as const]),
    ...(typeof targetPort === 'string' ? [[`its targetPort ${targetPort}`, targetPort] as const] : []),
    ...[...new Set(containers)].map((each) => [`a container's port ${each}`, each] as const),
  ];
}

/** Whether a database or a broker is there, as far as a name or a number tells: nothing of HTTP is missed of it. */
const isStorePort = ({ name }: Service, port: ServicePort, targets: ReadonlyMap<Pod, number>): boolean =>
  saysStore(name) ||
  saysStore(port.name ?? '') ||
  [port.port, ...targets.values()].some((number) => storeOn(number) !== undefined) ||
  [...targets.keys()].some(isNamedStore);

function hintFor(port: ServicePort, targets: ReadonlyMap<Pod, number>): Looked['hint'] {
  const named = namesOf(port, targets).find(([, name]) => saysHttp(name));
  if (named) return { words: named[0], by: 'name' };
  const number = [port.port, ...targets.values()].find((each) => USUAL.includes(each));
  return number === undefined ? null : { words: `the number ${number}`, by: 'number' };
}

/** Every TCP port of the Services with sidecars behind them, but for those of databases and brokers. */
export function lookedAt(
  { proxies }: Population,
  services: readonly Service[],
  version: string | null,
): readonly Looked[] {
  const behind = behindAny(proxies.flatMap(({ pod, kind }) => (kind === 'sidecar' ? [pod] : [])));
  return services.flatMap((service) => {
    const own = service.external ? [] : behind(service);
    return service.ports.flatMap((port): readonly Looked[] => {
      const targets = new Map(
        own.flatMap((pod) => {
          const target = targetOf(port, pod);
          return target === null ? [] : [[pod, target] as const];
        }),
      );
      if (port.protocol !== 'TCP' || targets.size === 0) return [];
      // A name that says HTTP is believed, whatever lives there: that is another topic's.
      const protocol = protocolOf(port, version);
      if (protocol.http !== 'yes' && isStorePort(service, port, targets)) return [];
      return [{ service, port, protocol, pods: [...targets.keys()], hint: hintFor(port, targets) }];
    });
  });
}

/** `shop/cart port 8080 (tcp-web)`. */
export const portName = ({ service, port }: Looked): string =>
  `${titleOf(service)} port ${port.port}${port.name === null ? '' : ` (${port.name})`}`;

const BY: Record<Protocol['by'], (port: ServicePort) => string> = {
  name: ({ name }) => `its name ${name}`,
  appProtocol: ({ appProtocol }) => `its appProtocol ${appProtocol}`,
  port: ({ port }) => `its number ${port}, on which Istio looks at nothing`,
  default: () => 'no name that says more',
};

/** Why it is what it is taken for. */
export const because = ({ port, protocol }: Looked): string => `${protocol.name} by ${BY[protocol.by](port)}`;
