import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { allServices } from '../../evidence/kubernetes.ts';
import { titleOf } from '../../evidence/named.ts';
import { protocolOf } from '../../istio/protocol.ts';

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

export const databasesAreNotHttp = defineCheck({
  id: 'databases-are-not-http',
  title: 'no port of a database is called HTTP',
  explains:
    'A port whose name begins with http or grpc, or whose appProtocol says so, is read as HTTP by the proxies: what is no HTTP ends with an error on the first byte. Looks at the ports that databases and brokers are known by; 443, 8080 and the like may be anything.',
  reasons: { DatabaseIsHttp: 'A port that a database is known by is called HTTP: the proxies break its connections.' },
  needs: { services: allServices },
  judge({ services }, { plane, scope }) {
    const known = services.items
      .filter(({ external, namespace }) => !external && (scope.namespace === null || namespace === scope.namespace))
      .flatMap((service) =>
        service.ports.filter(({ port }) => KNOWN[port] !== undefined).map((port) => ({ service, port })),
      );
    const called = known.filter(({ port }) => protocolOf(port, plane.version).http === 'yes');
    const [first] = called;
    if (first)
      return {
        status: 'fail',
        reason: 'DatabaseIsHttp',
        message: some(
          called.map(
            ({ service, port }) =>
              `${titleOf(service)} port ${port.name ?? ''} (${port.port}, ${KNOWN[port.port]}’s) is ${protocolOf(port, plane.version).name}`,
          ),
        ),
        hint: `${shellLine('kubectl', '-n', first.service.namespace, 'edit', 'service', first.service.name)}   # name the port tcp-…`,
      };
    if (services.refusal) return unknown([services.refusal], 'not every Service was seen');
    if (known.length === 0) return skip('no Service has a port that a database is known by');
    return {
      status: 'pass',
      message: `${count(known.length, 'port')}: ${some(known.map(({ service }) => titleOf(service)))}`,
    };
  },
});
