import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { bindings } from '../../../../evidence/ambient/bindings.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Service } from '../../../../evidence/kubernetes/service.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { protocolOf } from '../../../../istio/protocol.ts';
import { USE_WAYPOINT } from '../../../../istio/waypoints.ts';
import { beforeLabels, titled } from './words.ts';

export const workloadHasWaypoint = defineCheck({
  id: 'workload-has-waypoint',
  about: 'workload',
  title: 'the workload’s requests pass a waypoint',
  explains:
    'For the workload on the command line. ztunnel counts its connections (istio_tcp_*), and no requests: istio_requests_total, latencies and response codes are made by a waypoint, which one of its Services, or it itself, has to ask for. Who misses them is told the label to set; a Service whose ports are not HTTP has none to miss.',
  reasons: {
    NoWaypoint: 'Nothing of the workload asks for a waypoint: only its connections are counted.',
    MayNeedWaypoint: 'Nothing of the workload asks for a waypoint; whether its ports speak HTTP nobody says.',
  },
  needs: { narrowed, enrolled, own: ownBindings, bindings: attempt(bindings) },
  judge({ narrowed, enrolled: { members, refusal }, own, bindings }, { plane }): Verdict {
    if (!narrowed) return skip('no single workload was asked for');
    const { workload, services } = narrowed;
    const name = `${workload.kind}/${workload.name}`;
    const old = beforeLabels(plane);
    if (old) return old;
    if (members.length === 0) return skip(`${name} is not in ambient, or carries it`);
    // What leads to the same pods beside a Service that was named, or does not speak HTTP, brings it no requests.
    const speaks = (service: Service): boolean =>
      service.ports.some((port) => protocolOf(port, plane.version).http !== 'no');
    const leading = new Set(services.map(titleOf));
    const first = own.find(
      ({ of, service }) =>
        service === null || (leading.has(titleOf(of)) && (workload.kind === 'service' || speaks(service))),
    );
    if (first) return { status: 'pass', message: `${titled(first)} asks for waypoint ${titleOf(first.wish)}` };
    const missing = [
      ...(refusal ? [refusal] : []),
      ...('missing' in bindings ? [bindings.missing] : bindings.got.missing),
    ];
    if (isSome(missing)) return unknown(missing, 'not everything was seen');
    if (services.length === 0) return skip(`no Service leads to ${name}: a waypoint would serve its pods alone`);
    const speaking = (answer: 'yes' | 'no' | 'maybe'): readonly Service[] =>
      services.filter(({ ports }) => ports.some((port) => protocolOf(port, plane.version).http === answer));
    const [http, perhaps] = [speaking('yes'), speaking('maybe')];
    const isHttp = http.length > 0;
    // Who dials the pods of a Service without an address passes no waypoint of it.
    const speakers = [...http, ...perhaps];
    const service = speakers.find(({ headless }) => !headless) ?? speakers[0];
    if (!service)
      return skip(`no port of ${some(services.map(titleOf))} is HTTP: its connections are all that is counted`);
    const label = shellLine(
      'kubectl',
      '-n',
      service.namespace,
      'label',
      '--overwrite',
      'service',
      service.name,
      `${USE_WAYPOINT}=waypoint`,
    );
    return {
      status: isHttp ? 'fail' : 'warn',
      reason: isHttp ? 'NoWaypoint' : 'MayNeedWaypoint',
      message: `${some(services.map(titleOf))} ${services.length === 1 ? 'asks' : 'ask'} for no waypoint: connections of ${name} are counted (istio_tcp_*), its requests from callers in ambient are not`,
      hint: `${shellLine('istioctl', 'waypoint', 'apply', '-n', service.namespace)} && ${label}`,
    };
  },
});
