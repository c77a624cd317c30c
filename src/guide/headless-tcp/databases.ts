import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { allPods, allServices, byNamespace } from '../../evidence/kubernetes.ts';
import { titleOf } from '../../evidence/named.ts';
import type { Pod } from '../../evidence/pod.ts';
import { behind } from '../../evidence/servers.ts';
import type { Service, ServicePort } from '../../evidence/service.ts';
import { protocolOf } from '../../istio/protocol.ts';
import { isStore, saysStore } from './stores.ts';

/** Ports that databases and brokers are known by: none of them speaks HTTP there. */
const KNOWN: Readonly<Record<number, string>> = {
  1433: 'SQL Server',
  1521: 'Oracle',
  2181: 'ZooKeeper',
  3306: 'MySQL',
  5432: 'PostgreSQL',
  5672: 'AMQP',
  6379: 'Redis',
  9042: 'Cassandra',
  9092: 'Kafka',
  11211: 'memcached',
  27017: 'MongoDB',
};

/** What beside the number says that a port is a database's: the name of the Service, the port, a container, an image. */
const saysSo = (service: Service, port: ServicePort, pods: readonly Pod[]): boolean =>
  saysStore(service.name) || saysStore(port.name ?? '') || pods.some(isStore);

export const databasesAreNotHttp = defineCheck({
  id: 'databases-are-not-http',
  title: 'no port of a database is called HTTP',
  explains:
    'A port whose name begins with http or grpc, or whose appProtocol says so, is read as HTTP by the proxies: what is no HTTP ends with an error on the first byte. Looks at the ports that databases and brokers are known by; 443, 8080 and the like may be anything. A number alone proves nothing: it is a failure where the Service, the port, a container or an image behind it is named for a database too.',
  reasons: {
    DatabaseIsHttp: 'A port of a database is called HTTP: the proxies break its connections.',
    MaybeDatabaseIsHttp:
      'A port that a database is known by is called HTTP: should one be there, the proxies break its connections.',
  },
  needs: { services: allServices, pods: attempt(allPods) },
  judge({ services, pods }, { plane, scope }) {
    const podsOf = byNamespace('got' in pods ? pods.got.items : []);
    const known = services.items
      .filter(({ external, namespace }) => !external && (scope.namespace === null || namespace === scope.namespace))
      .flatMap((service) =>
        service.ports
          .filter(({ port, protocol }) => protocol === 'TCP' && KNOWN[port] !== undefined)
          .map((port) => ({ service, port })),
      );
    const called = known.filter(({ port }) => protocolOf(port, plane.version).http === 'yes');
    const sure = called.filter(({ service, port }) =>
      saysSo(service, port, behind(service, podsOf(service.namespace))),
    );
    const saying = (found: typeof called) =>
      some(
        found.map(
          ({ service, port }) =>
            `${titleOf(service)} port ${port.name ?? ''} (${port.port}, ${KNOWN[port.port]}’s) is ${protocolOf(port, plane.version).name}`,
        ),
      );
    const edit = ({ service }: { service: Service }): string =>
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
    const [maybe] = called;
    const unseen = 'missing' in pods ? pods.missing : pods.got.refusal;
    if (maybe && unseen) return unknown([unseen], `whether ${titleOf(maybe.service)} is a database`);
    if (maybe)
      return {
        status: 'warn',
        reason: 'MaybeDatabaseIsHttp',
        message: saying(called),
        hint: `${edit(maybe)}   # if a database is there, name the port tcp-…`,
      };
    if (known.length === 0) return skip('no Service has a port that a database is known by');
    return {
      status: 'pass',
      message: `${count(known.length, 'port')}: ${some(known.map(({ service }) => titleOf(service)))}`,
    };
  },
});
