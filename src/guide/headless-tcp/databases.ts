import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { callers } from '../../evidence/istio/calls.ts';
import { answersOn, behind } from '../../evidence/istio/servers.ts';
import { allNamespaces, allPods, allServices, byNamespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { type Service, type ServicePort, targetOf } from '../../evidence/kubernetes/service.ts';
import { hostOf } from '../../istio/hosts.ts';
import { protocolOf } from '../../istio/protocol.ts';
import type { View } from '../../istio/view.ts';
import { waypointFor } from '../../istio/waypoints.ts';
import { isNamedStore, saysStore, storeOn } from './stores.ts';

/** A port that a database is known by, or that leads to one. */
interface StorePort {
  service: Service;
  port: ServicePort;
  /** The pods behind it. */
  pods: readonly Pod[];
  /** Which of the two numbers it is known by. */
  number: number;
}

/** The first number by which a database is known: the port's own, or where it leads to. */
function storePortOf(service: Service, port: ServicePort, pods: readonly Pod[]): readonly StorePort[] {
  const target =
    typeof port.targetPort === 'number' ? [port.targetPort] : pods.flatMap((pod) => targetOf(port, pod) ?? []);
  const number = [port.port, ...target].find((each) => storeOn(each) !== undefined);
  return port.protocol !== 'TCP' || number === undefined ? [] : [{ service, port, pods, number }];
}

/** Whether a pod's sidecar reads what comes in at the port. */
const isReadBehind = ({ port, pods }: StorePort): boolean =>
  pods.some((pod) => {
    const target = targetOf(port, pod);
    return target !== null && answersOn(pod, target) === 'sidecar';
  });

/** Whether a caller's proxy has the port. */
const isKnownTo =
  ({ service, port }: StorePort) =>
  ({ services }: View): boolean =>
    services.get(hostOf(service))?.ports.includes(port.port) === true;

/** What beside the number says that a port is a database's: the name of the Service, the port, a container, an image. */
const saysSo = (service: Service, port: ServicePort, pods: readonly Pod[]): boolean =>
  saysStore(service.name) || saysStore(port.name ?? '') || pods.some(isNamedStore);

export const databasesAreNotHttp = defineCheck({
  id: 'databases-are-not-http',
  title: 'no port of a database is called HTTP',
  explains:
    'A port whose name begins with http or grpc, or whose appProtocol says so, is read as HTTP by the proxies: what is no HTTP ends with an error on the first byte. Looks at the ports that databases and brokers are known by, of Services or of the pods behind them; 443, 8080 and the like may be anything. Where no proxy reads them, a caller’s, a pod’s own or a waypoint, they may be called what they like; ztunnel carries bytes. A number alone proves nothing: it is a failure where the Service, the port, a container or an image behind it is named for a database too.',
  reasons: {
    DatabaseIsHttp: 'A port of a database is called HTTP: the proxies break its connections.',
    MaybeDatabaseIsHttp:
      'A port that a database is known by is called HTTP: should one be there, the proxies break its connections.',
  },
  needs: {
    services: allServices,
    pods: attempt(allPods),
    namespaces: attempt(allNamespaces),
    callers: attempt(callers),
  },
  judge({ services, pods, namespaces, callers }, { plane, scope }) {
    const podsOf = byNamespace('got' in pods ? pods.got.items : []);
    const labelsOf = new Map(
      'got' in namespaces ? namespaces.got.items.map(({ name, labels }) => [name, labels] as const) : [],
    );
    const unseen = 'missing' in pods ? pods.missing : pods.got.refusal;
    const unseenProxies =
      'missing' in callers
        ? callers.missing
        : (unseen ?? ('missing' in namespaces ? namespaces.missing : namespaces.got.refusal));
    const views = 'got' in callers ? callers.got : [];
    const hasWaypoint = ({ service }: StorePort): boolean =>
      service.waypoint?.bound ?? waypointFor(service, labelsOf.get(service.namespace)) !== null;
    const isRead = (each: StorePort): boolean => views.some(isKnownTo(each)) || isReadBehind(each) || hasWaypoint(each);
    const isHttp = ({ port }: StorePort): boolean => protocolOf(port, plane.version).http === 'yes';

    const looked = services.items.filter(
      ({ external, namespace }) => !external && (scope.namespace === null || namespace === scope.namespace),
    );
    const known = looked.flatMap((service) => {
      const own = behind(service, podsOf(service.namespace));
      return service.ports.flatMap((port) => storePortOf(service, port, own));
    });
    const called = known.filter(isHttp);
    const read = called.filter(isRead);
    const sure = read.filter(({ service, port, pods }) => saysSo(service, port, pods));
    const saying = (found: readonly StorePort[]) =>
      some(
        found.map(
          ({ service, port, number }) =>
            `${titleOf(service)} port ${port.name ?? ''} (${port.port}${number === port.port ? '' : ` to ${number}`}, ${storeOn(number)}’s) is ${protocolOf(port, plane.version).name}`,
        ),
      );
    const edit = ({ service }: StorePort): string =>
      shellLine('kubectl', '-n', service.namespace, 'edit', 'service', service.name);
    const [first] = sure;
    if (first)
      return {
        status: 'fail',
        reason: 'DatabaseIsHttp',
        message: saying(sure),
        hint: `${edit(first)}   # name the port tcp-…`,
      };
    if (services.refusal) return unknown([services.refusal], 'not every Service was seen');
    const [maybe] = read;
    if (maybe && unseen) return unknown([unseen], `whether ${titleOf(maybe.service)} is a database`);
    if (maybe)
      return {
        status: 'warn',
        reason: 'MaybeDatabaseIsHttp',
        message: saying(read),
        hint: `${edit(maybe)}   # if a database is there, name the port tcp-…`,
      };
    const [other] = called;
    if (other && unseenProxies) return unknown([unseenProxies], `whether a proxy reads ${titleOf(other.service)}`);
    const hidden = looked.find((service) =>
      service.ports.some(
        (port) => typeof port.targetPort === 'string' && protocolOf(port, plane.version).http === 'yes',
      ),
    );
    if (hidden && unseen) return unknown([unseen], `where ${titleOf(hidden)} leads`);
    if (known.length === 0) return skip('no Service has a port that a database is known by');
    const judged = known.filter((each) => unseenProxies !== null || isRead(each));
    if (judged.length === 0)
      return skip(`no proxy reads the ports of databases: ${some(known.map(({ service }) => titleOf(service)))}`);
    return {
      status: 'pass',
      message: `${count(judged.length, 'port')}: ${some(judged.map(({ service }) => titleOf(service)))}`,
    };
  },
});
