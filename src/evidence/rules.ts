import type { Ask } from '../diagnosis/check.ts';
import { planeSource, settle } from '../diagnosis/source.ts';
import type { Unanswered } from '../errors.ts';
import { meshConfig } from './config-maps.ts';
import { fullHost, isHostOf, servicesByHost } from './hosts.ts';
import { allServices } from './kubernetes.ts';
import { type Named, titleOf } from './named.ts';
import {
  type Destination,
  type HttpRoute,
  httpRoutes,
  serviceEntries,
  type VirtualService,
  virtualServices,
} from './routing.ts';
import type { Service } from './service.ts';

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
  /** Those with a host that is a Service's, by `NAMESPACE/NAME`: of the others a proxy may have nothing. */
  hosted: ReadonlySet<string>;
  /** The Services that sidecars and waypoints have rules for HTTP for: by their hosts. A gateway routes to any port. */
  services: readonly Service[];
  routes: readonly HttpRoute[];
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

const isEntered = (host: string, hosts: readonly string[]): boolean =>
  hosts.some((each) => each === host || (each.startsWith('*.') && host.endsWith(each.slice(1))));

const leadsTo = (rule: VirtualService, service: Named): boolean =>
  [...rule.hosts, ...[...(rule.http ?? []), ...rule.other].map(({ host }) => host)].some((host) =>
    isHostOf(host, rule.namespace, service),
  );

const isAbout = (rule: VirtualService, { scope }: Ask): boolean =>
  (scope.workload === null || leadsTo(rule, scope.workload)) &&
  (scope.workload !== null || scope.namespace === null || rule.namespace === scope.namespace);

/** Narrowed by -n, or to the rules about the service that is asked for. */
export const rules = planeSource([], async (ask): Promise<Rules> => {
  const { from, scope } = ask;
  const [all, services, entries, routes, mesh] = await Promise.all([
    from(virtualServices),
    from(allServices),
    settle(from(serviceEntries)),
    settle(from(httpRoutes)),
    settle(from(meshConfig)),
  ]);
  const byDefault = 'got' in mesh ? (mesh.got?.virtualServiceExportTo ?? []) : [];
  const isPlanes = ({ revision }: VirtualService): boolean =>
    revision === null || ask.plane.revision === null || revision === ask.plane.revision;
  const whole = all.items
    .filter((rule) => isAbout(rule, ask) && isPlanes(rule))
    .map((rule) => (rule.exportTo.length === 0 ? { ...rule, exportTo: byDefault } : rule));
  // One without hosts is a part of others: where it leads matters all the same.
  const own = whole.filter(({ hosts }) => hosts.length > 0);
  const hosts = 'got' in entries ? entries.got.items.flatMap((entry) => entry.hosts) : [];
  const find = servicesByHost(services.items);
  const targets = whole.flatMap((rule) => {
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
  return {
    virtualServices: own,
    targets,
    hosted: new Set(
      own.filter(({ hosts, namespace }) => hosts.some((host) => find(host, namespace) !== null)).map(titleOf),
    ),
    services: [...new Set(ofHosts)],
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
