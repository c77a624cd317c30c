import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { allServices } from '../../../../evidence/kubernetes/lists.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Service } from '../../../../evidence/kubernetes/service.ts';
import { type ByService, byService, requestsByService } from '../../../../evidence/prometheus/by-service.ts';
import { because, type Looked, lookedAt, portName } from './ports.ts';

/** Where a port gets its protocol, as a patch that leaves its name to whom it serves. */
export const sayHttp = ({ service, port }: Looked): string =>
  `${shellLine('kubectl', '-n', service.namespace, 'patch', 'service', service.name, '--type=strategic', '-p', JSON.stringify({ spec: { ports: [{ port: port.port, appProtocol: 'http' }] } }))}   # grpc where it is gRPC`;

/** Whether HTTP is counted for a Service all the same: by one port of it, that one is known for what it is. */
const isCounted = ({ service }: Looked, requests: ByService): boolean =>
  service.ports.length === 1 && requests.of(service).length > 0;

/** Ports that are called what they are not: something names HTTP, and Istio does not take them for it. */
export const misnamedIn = (looked: readonly Looked[], requests: ByService): readonly Looked[] =>
  looked.filter((each) => each.protocol.http === 'no' && each.hint?.by === 'name' && !isCounted(each, requests));

export const portsAreNamed = defineCheck({
  id: 'ports-are-named',
  title: 'ports of HTTP are known to be HTTP',
  explains:
    'Istio takes a port of a Service for what its appProtocol says, or else the beginning of its name; without either it looks at what is sent, but not on the ports 25, 53, 3306 and 27017. What is taken for TCP, TLS or HTTPS has no istio_requests_total, only istio_tcp_…. Looks for ports that are taken so while a name says HTTP: of the port itself behind the first hyphen, of its targetPort, or of a container’s port. Databases and brokers are left alone. Only a person can know what is spoken there: of the workload that was named it is a failure, of a whole mesh a warning. istioctl analyze (IST0118) is silent here: it is about names that say nothing.',
  reasons: {
    HttpTakenForTcp:
      'A port is taken for TCP, and something says that HTTP is spoken there: no request of it is counted.',
  },
  needs: { population, services: allServices, requests: attempt(requestsByService) },
  judge({ population, services, requests }, { plane, scope }) {
    const looked = lookedAt(population, services.items, plane.version);
    const misnamed = misnamedIn(looked, byService(requests));
    const [first] = misnamed;
    if (first)
      return {
        status: scope.workload === null ? 'warn' : 'fail',
        reason: 'HttpTakenForTcp',
        message: `${some(misnamed.map((each) => `${portName(each)} is ${because(each)}, and ${each.hint?.words} says HTTP`))}`,
        evidence: misnamed.slice(0, 10).map((each) => `${portName(each)}: ${because(each)}; ${each.hint?.words}`),
        subjects: subjectsOf([...new Set(misnamed.flatMap(({ pods }) => pods))]),
        hint: sayHttp(first),
      };
    const refusal = services.refusal ?? population.refusal;
    if (refusal) return unknown([refusal], 'not every Service, or not every pod, was seen');
    if (looked.length === 0) return skip('no Service leads to a sidecar by a port that could be HTTP');
    const said = (
      [
        ['yes', 'of HTTP'],
        ['maybe', 'without a protocol, looked at'],
        ['no', 'of TCP or TLS, and no name says HTTP'],
      ] as const
    ).flatMap(([http, words]) => {
      const number = looked.filter(({ protocol }) => protocol.http === http).length;
      return number === 0 ? [] : [`${count(number, 'port')} ${words}`];
    });
    return { status: 'pass', message: said.join('; ') };
  },
});

/** The Services of ports. */
export const servicesOf = (looked: readonly Looked[]): readonly Service[] => [
  ...new Set(looked.map(({ service }) => service)),
];
