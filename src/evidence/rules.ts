import type { Ask } from '../diagnosis/check.ts';
import { planeSource, settle } from '../diagnosis/source.ts';
import type { Unanswered } from '../errors.ts';
import { fullHost, isHostOf } from './hosts.ts';
import { allServices } from './kubernetes.ts';
import {
  type Destination,
  type HttpRoute,
  httpRoutes,
  serviceEntries,
  type VirtualService,
  virtualServices,
} from './routing.ts';
import type { Service } from './service.ts';

/** `NAMESPACE/NAME`. */
export const titleOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

/** Whether a rule is for the sidecars: `mesh`, which is also meant when nothing is named. */
export const isForMesh = ({ gateways }: VirtualService): boolean => gateways.length === 0 || gateways.includes('mesh');

/** Where a rule leads, and what is there. */
export interface Target extends Destination {
  rule: VirtualService;
  /** Whether this comes from a rule for HTTP. */
  http: boolean;
  service: Service | null;
  /** A ServiceEntry has this host. */
  entered: boolean;
}

/** The rules that are judged, and what they are about. */
export interface Rules {
  /** With hosts of their own: those without are parts of others. */
  virtualServices: readonly VirtualService[];
  targets: readonly Target[];
  /** The Services that a rule for HTTP is about: by its hosts, and by where it leads. */
  services: readonly Service[];
  routes: readonly HttpRoute[];
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

const isEntered = (host: string, hosts: readonly string[]): boolean =>
  hosts.some((each) => each === host || (each.startsWith('*.') && host.endsWith(each.slice(1))));

const leadsTo = (rule: VirtualService, service: { name: string; namespace: string }): boolean =>
  [...rule.hosts, ...[...(rule.http ?? []), ...rule.other].map(({ host }) => host)].some((host) =>
    isHostOf(host, rule.namespace, service),
  );

const isAbout = (rule: VirtualService, { scope }: Ask): boolean =>
  (scope.workload === null || leadsTo(rule, scope.workload)) &&
  (scope.workload !== null || scope.namespace === null || rule.namespace === scope.namespace);

/** Narrowed by -n, or to the rules about the service that is asked for. */
export const rules = planeSource([], async (ask): Promise<Rules> => {
  const { from, scope } = ask;
  const [all, services, entries, routes] = await Promise.all([
    from(virtualServices),
    from(allServices),
    settle(from(serviceEntries)),
    settle(from(httpRoutes)),
  ]);
  const own = all.items.filter((rule) => rule.hosts.length > 0 && isAbout(rule, ask));
  const hosts = 'got' in entries ? entries.got.items.flatMap((entry) => entry.hosts) : [];
  const find = (host: string, namespace: string): Service | null =>
    services.items.find((service) => !host.startsWith('*') && isHostOf(host, namespace, service)) ?? null;
  const targets = own.flatMap((rule) => {
    const targetOf =
      (http: boolean) =>
      (destination: Destination): Target => ({
        ...destination,
        rule,
        http,
        service: find(destination.host, rule.namespace),
        entered: isEntered(fullHost(destination.host, rule.namespace), hosts) || isEntered(destination.host, hosts),
      });
    return [...(rule.http ?? []).map(targetOf(true)), ...rule.other.map(targetOf(false))];
  });
  const routed = ('got' in routes ? routes.got.items : []).filter(
    ({ namespace, services }) =>
      services.length > 0 &&
      (scope.workload === null
        ? scope.namespace === null || namespace === scope.namespace
        : services.some((each) => each.name === scope.workload?.name && each.namespace === scope.workload.namespace)),
  );
  const ofHosts = own.flatMap((rule) =>
    rule.http && isForMesh(rule) ? rule.hosts.flatMap((host) => find(host, rule.namespace) ?? []) : [],
  );
  const ofTargets = targets.flatMap(({ http, service }) => (http && service ? [service] : []));
  return {
    virtualServices: own,
    targets,
    services: [...new Set([...ofHosts, ...ofTargets])],
    routes: routed,
    missing: [
      ...[all.refusal, services.refusal].filter((refusal) => refusal !== null),
      ...('missing' in entries ? [entries.missing] : []),
      ...('missing' in routes ? [routes.missing] : []),
    ],
  };
});

/** Whether an object of `namespace` with this `exportTo` is seen from another namespace. */
export const isExportedTo = (exportTo: readonly string[], namespace: string, to: string): boolean =>
  exportTo.length === 0 ||
  exportTo.includes('*') ||
  exportTo.includes(to) ||
  (exportTo.includes('.') && namespace === to);
