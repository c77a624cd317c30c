import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { answered } from '../../evidence/envoy/asked.ts';
import { type Configuration, envoyDumps } from '../../evidence/envoy/dump.ts';
import { rules } from '../../evidence/istio/rules.ts';
import type { Target } from '../../evidence/istio/targets.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Service, ServicePort } from '../../evidence/kubernetes/service.ts';
import { isNearMiss, type Protocol, protocolOf } from '../../istio/protocol.ts';
import { isAtLeast } from '../../istio/release.ts';
import { isForMesh } from '../../istio/virtual-services.ts';

const ORDER: readonly Protocol['http'][] = ['yes', 'maybe', 'no'];

/** The port of a Service that a rule for HTTP may be about: that which serves it best. */
function bestOf(service: Service, wanted: readonly number[], version: string | null) {
  const ports = service.ports.filter(
    ({ port, protocol }) => protocol === 'TCP' && (wanted.length === 0 || wanted.includes(port)),
  );
  const judged = ports.map((port) => ({ service, port, protocol: protocolOf(port, version) }));
  // A rule names one port, and means that one; without, any of them will do.
  return judged
    .sort((a, b) => ORDER.indexOf(a.protocol.http) - ORDER.indexOf(b.protocol.http))
    .slice(0, wanted.length || 1);
}

/** The ports of each Service that rules for HTTP of sidecars name. */
function wantedOf(targets: readonly Target[]): ReadonlyMap<Service, ReadonlySet<number>> {
  const found = new Map<Service, Set<number>>();
  for (const { http, rule, service, port } of targets) {
    if (!http || service === null || port === null || !isForMesh(rule)) continue;
    found.set(service, (found.get(service) ?? new Set()).add(port));
  }
  return found;
}

/** The Services, `NAME.NAMESPACE`, for which a dump has routes of a rule. */
const routedIn = (dumps: readonly Configuration[]): ReadonlySet<string> =>
  new Set(
    dumps
      .flatMap(({ routes }) => routes.flatMap(({ virtualHosts }) => virtualHosts))
      .filter(({ routes }) => routes.some(({ rule }) => rule !== null))
      .flatMap(({ domains }) => domains.map((domain) => domain.split('.svc.', 1)[0] ?? domain)),
  );

const nameOfPort = ({ name, port }: ServicePort): string =>
  name === null ? `port ${port} without a name` : `port ${name} (${port})`;

export const portsSpeakHttp = defineCheck({
  id: 'ports-speak-http',
  title: 'services with rules for HTTP have a port that is HTTP',
  explains:
    'Rules for HTTP work where the proxy knows that the port is HTTP: by the prefix of its name before the first `-` (http, http2, grpc, and from 1.1 on grpc-web), or from 1.6 on by its appProtocol, which wins. What names no protocol is TCP up to 1.2, and is detected from 1.3 on, but for ports 25, 53, 3306 and 27017. A rule that has arrived in a proxy beats the doubt. `istioctl analyze` calls an unnamed port IST0118, and does not know whether a rule needs it.',
  reasons: {
    PortNotHttp: 'The release takes the port for something else than HTTP: rules for HTTP have no effect on it.',
    PortDetected:
      'The port names no protocol: rules work once HTTP was detected, and not for what the server says first.',
  },
  needs: { rules, dumps: attempt(envoyDumps) },
  judge({ rules: { services, targets, missing }, dumps }, { plane }) {
    if (services.length === 0) return isSome(missing) ? unknown(missing) : skip('no rule for HTTP is about a Service');
    const wanted = wantedOf(targets);
    const judged = services
      .filter(({ external }) => !external)
      .flatMap((service) => bestOf(service, [...(wanted.get(service) ?? [])], plane.version));
    if (judged.length === 0) return skip('no Service with rules has a TCP port of its own');
    const words = ({ service, port, protocol }: (typeof judged)[number]): string =>
      `${titleOf(service)} ${nameOfPort(port)} is ${protocol.name}${protocol.http !== 'yes' && isNearMiss(port) ? ' (http-… was meant?)' : ''}`;
    const evidence = judged.map(words);
    const rename = ({ service }: { service: Service }): string =>
      `${shellLine('kubectl', '-n', service.namespace, 'edit', 'service', service.name)}   # name the port http-…${plane.version === null || isAtLeast(plane.version, '1.6') ? ', or set appProtocol: http' : ''}`;
    const wrong = judged.filter(({ protocol }) => protocol.http === 'no');
    const [first] = wrong;
    if (first)
      return { status: 'fail', reason: 'PortNotHttp', message: some(wrong.map(words)), evidence, hint: rename(first) };
    const routed = routedIn(answered('got' in dumps ? dumps.got : []).map(({ said }) => said));
    const doubtful = judged.filter(
      ({ protocol, service }) => protocol.http === 'maybe' && !routed.has(`${service.name}.${service.namespace}`),
    );
    const [other] = doubtful;
    if (other)
      return {
        status: 'warn',
        reason: 'PortDetected',
        message: some(doubtful.map(words)),
        evidence,
        hint: rename(other),
      };
    if (isSome(missing)) return unknown(missing, 'not every Service was seen');
    return {
      status: 'pass',
      message: `${count(judged.length, 'port')} of ${count(services.length, 'Service')}: ${some(judged.map(({ service }) => service.name))}`,
      evidence,
    };
  },
});
