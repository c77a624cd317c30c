import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Scope } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { allServices } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Service, ServicePort } from '../../../../evidence/kubernetes/service.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import {
  byService,
  type Counted,
  connectionsByService,
  requestsByService,
} from '../../../../evidence/prometheus/by-service.ts';
import { protocolOf } from '../../../../istio/protocol.ts';
import { notWhole } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { misnamedIn, sayHttp, servicesOf } from './named.ts';
import { because, type Looked, lookedAt, portName } from './ports.ts';

type Unseen = 'HttpTakenForTcp' | 'TlsByApplication' | 'HttpNotRecognised';

/** Why only connections are counted of a port; null where, for a whole mesh, that is as it should be. */
function unseenBecause({ protocol, hint }: Looked, { workload }: Pick<Scope, 'workload'>): Unseen | null {
  if (protocol.http === 'yes') return 'TlsByApplication';
  if (workload === null && hint === null) return null;
  if (protocol.http === 'maybe') return 'HttpNotRecognised';
  if (protocol.name === 'HTTPS' || protocol.name === 'TLS') return workload === null ? null : 'TlsByApplication';
  return 'HttpTakenForTcp';
}

const WORDS: Record<Unseen, string> = {
  HttpTakenForTcp: 'if HTTP is spoken there, no request of it is counted',
  TlsByApplication: 'what comes is encrypted by who sends it, and nobody’s requests can be counted',
  HttpNotRecognised: 'the proxies look at what is sent, and see no HTTP: it is encrypted, or the server speaks first',
};

const cure = (reason: Unseen, looked: Looked): string =>
  reason === 'HttpTakenForTcp'
    ? sayHttp(looked)
    : `${shellLine('kubectl', '-n', looked.service.namespace, 'get', 'service', looked.service.name, '-o', 'yaml')}   # let callers send plain HTTP, and the mesh’s mutual TLS encrypt it`;

/** Whether another port of the Service, that is TCP by right, may have the connections; of its TCP ports those of databases. */
const isExplained = (
  { service, port, protocol }: Looked,
  looked: ReadonlySet<ServicePort>,
  version: string | null,
): boolean =>
  service.ports.some(
    (other) =>
      other !== port &&
      other.protocol === 'TCP' &&
      protocolOf(other, version).http === 'no' &&
      (protocol.http !== 'no' || !looked.has(other)),
  );

const ABOUT = 'which Services have requests';

export const requestsAreCounted = defineCheck({
  id: 'requests-are-counted',
  title: 'requests are counted as requests',
  explains:
    'Asks every store which Services have istio_requests_total, and which only connections of TCP on the side that serves them. Of those, ports that are taken for HTTP, or on which HTTP is usual, are suspects: what an application encrypts itself, or sends by HTTPS to a plain port, is TCP to the proxies. Without any traffic nothing can be said.',
  reasons: {
    HttpTakenForTcp:
      'Only connections are counted of a port that is taken for TCP: requests of HTTP are not seen there.',
    TlsByApplication: 'Only connections are counted of a port: TLS that the application begins hides its requests.',
    HttpNotRecognised:
      'Only connections are counted of a port without a protocol: the proxies see no HTTP in what is sent.',
    PartialAnswer: PARTIAL_ANSWER,
    NoTraffic: 'Neither requests nor connections are counted: there may be no traffic.',
  },
  needs: {
    population,
    narrowed,
    services: allServices,
    requests: attempt(requestsByService),
    connections: attempt(connectionsByService),
  },
  judge({ population, narrowed, services, requests, connections }, { plane, scope }) {
    const looked = lookedAt(population, services.items, plane.version);
    if (looked.length === 0) {
      const refusal = services.refusal ?? population.refusal;
      return refusal ? unknown([refusal]) : skip('no Service leads to a sidecar by a port that could be HTTP');
    }
    const asked = { requests: byService(requests), connections: byService(connections) };
    // A store may have dropped that label.
    const own = ({ workload }: Counted): boolean =>
      narrowed?.named == null || workload === '' || workload === narrowed.named;
    const of = (what: keyof typeof asked, service: Service): readonly Counted[] => asked[what].of(service).filter(own);
    const isSilent = (service: Service): boolean => of('requests', service).length === 0;
    // ztunnel counts connections too; behind these Services are sidecars.
    const isConnected = (service: Service): boolean =>
      of('connections', service).some(({ reporter }) => reporter === 'destination');
    const blamed = new Set(misnamedIn(looked, asked.requests));
    const ports = new Set(looked.map(({ port }) => port));
    const suspects = looked.filter(
      (each) =>
        !blamed.has(each) &&
        isSilent(each.service) &&
        isConnected(each.service) &&
        !isExplained(each, ports, plane.version),
    );
    const told = suspects.flatMap((each) => {
      const reason = unseenBecause(each, scope);
      return reason === null ? [] : [{ each, reason }];
    });
    const [first] = told;
    const gap = notWhole(asked.requests, ABOUT);
    if (first && gap) return gap;
    if (first) {
      const same = told.filter(({ reason }) => reason === first.reason).map(({ each }) => each);
      return {
        status: scope.workload === null ? 'warn' : 'fail',
        reason: first.reason,
        message: `only connections of TCP are counted for ${some(same.map((each) => `${portName(each)}, ${because(each)}`))}: ${WORDS[first.reason]}`,
        evidence: [
          ...told
            .slice(0, 9)
            .map(({ each }) => `${portName(each)}: ${because(each)}${each.hint ? `; ${each.hint.words}` : ''}`),
          ...(told.some(({ each }) => each.protocol.by === 'default')
            ? ['istioctl analyze: IST0118 (PortNameIsNotUnderNamingConvention)']
            : []),
        ],
        subjects: subjectsOf([...new Set(same.flatMap(({ pods }) => pods))]),
        hint: cure(first.reason, first.each),
      };
    }
    const all = servicesOf(looked);
    const counted = all.filter((service) => !isSilent(service));
    if (counted.length > 0)
      return {
        status: 'pass',
        message: `requests are counted for ${count(counted.length, 'Service')}: ${some(counted.map(titleOf))}`,
      };
    const unseen = gap ?? notWhole(asked.connections, ABOUT);
    if (unseen) return unseen;
    if (asked.requests.stores === 0) return skip('no Prometheus to ask');
    if (all.some(isConnected))
      return { status: 'pass', message: 'only connections of TCP are counted, and no port says HTTP' };
    return {
      status: 'unknown',
      reason: 'NoTraffic',
      message: `neither requests nor connections are stored for ${some(all.map(titleOf))}`,
      hint: 'send a request to one of them, then run this again',
      missing: [],
    };
  },
});
