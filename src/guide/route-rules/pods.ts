import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type Envoy, envoys, isSidecar, nameOf } from '../../evidence/envoy/asked.ts';
import { capturedOf } from '../../evidence/istio/captured.ts';
import { PROXY_USER } from '../../evidence/istio/proxies.ts';
import { destinationRules } from '../../evidence/istio/routing.ts';
import { allServices, byNamespace, selects } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Service } from '../../evidence/kubernetes/service.ts';
import { INCLUDE, inboundKeptBy } from '../../istio/capture.ts';
import { isHostOf } from '../../istio/hosts.ts';
import { protocolOf } from '../../istio/protocol.ts';
import { isAtLeast } from '../../istio/release.ts';

/** The Services that select a pod. */
function servicesFor(services: readonly Service[]): (envoy: Envoy) => readonly Service[] {
  const servicesIn = byNamespace(services);
  return ({ pod }) => servicesIn(pod.namespace).filter((each) => selects(each.selector, pod.labels));
}

const show = ({ pod }: Envoy): string =>
  shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'yaml');

/** Two Services that mean two protocols by one port of a pod. */
function conflictOf(services: readonly Service[], version: string | null): string | null {
  const known = new Map<string, { service: Service; isHttp: boolean }>();
  for (const service of services) {
    for (const port of service.ports) {
      const { http, name } = protocolOf(port, version);
      if (http === 'maybe' || name === 'UDP') continue;
      for (const key of [`port ${port.port}`, `target port ${port.targetPort}`]) {
        const other = known.get(key);
        if (other && other.service !== service && other.isHttp !== (http === 'yes'))
          return `${key} is HTTP for Service ${http === 'yes' ? service.name : other.service.name} and ${name === 'TCP' ? 'TCP' : 'not'} for ${http === 'yes' ? other.service.name : service.name}`;
        known.set(key, { service, isHttp: http === 'yes' });
      }
    }
  }
  return null;
}

export const podsBelongToServices = defineCheck({
  id: 'pods-belong-to-services',
  title: 'pods of the mesh belong to a Service, and to Services that agree',
  explains:
    'Up to 1.1 a pod that no Service selects has no listener, and its ports are dead. 0.8 supports one Service for a pod; since 1.0 several may share it, if none takes for HTTP what another takes for TCP (`istioctl analyze` compares TCP and UDP only: IST0116).',
  reasons: {
    PodWithoutService: 'No Service selects a pod of the mesh: its release gives it no listener, or advises against it.',
    SeveralServices: 'Several Services select one pod: 0.8 supports one.',
    ProtocolsConflict: 'Two Services of one pod mean two protocols by the same port: one of them does not work.',
  },
  needs: { envoys, services: allServices },
  judge({ envoys, services }, { plane }) {
    const sidecars = envoys.filter(isSidecar);
    if (sidecars.length === 0) return skip('no sidecar runs here');
    const knows = (release: string): boolean => plane.version === null || isAtLeast(plane.version, release);
    const servicesOf = servicesFor(services.items);
    const of = new Map(sidecars.map((each) => [each, servicesOf(each)]));
    const conflicts = sidecars.flatMap((each) => {
      const conflict = conflictOf(of.get(each) ?? [], plane.version);
      return conflict === null ? [] : [{ each, conflict }];
    });
    const [conflict] = conflicts;
    if (conflict)
      return {
        status: 'fail',
        reason: 'ProtocolsConflict',
        message: some([...new Set(conflicts.map(({ each, conflict }) => `in ${each.pod.namespace}, ${conflict}`))]),
        evidence: conflicts.slice(0, 20).map(({ each, conflict }) => `${nameOf(each)}: ${conflict}`),
        hint: shellLine('kubectl', '-n', conflict.each.pod.namespace, 'get', 'services', '-o', 'yaml'),
      };
    if (services.refusal) return unknown([services.refusal], 'not every Service was seen');
    const lonely = sidecars.filter(
      (each) =>
        (of.get(each) ?? []).length === 0 &&
        each.pod.containers.some(({ name, ports }) => name !== 'istio-proxy' && ports.length > 0),
    );
    const [first] = lonely;
    if (first && !knows('1.11')) {
      const found = {
        reason: 'PodWithoutService',
        message: `no Service selects ${some(lonely.map(nameOf))}`,
        hint: shellLine('kubectl', '-n', first.pod.namespace, 'get', 'pods,services', '--show-labels'),
      } as const;
      return knows('1.2') ? { status: 'warn', ...found } : { status: 'fail', ...found };
    }
    const shared = sidecars.filter((each) => (of.get(each) ?? []).length > 1);
    const [other] = shared;
    if (other && !knows('1.0'))
      return {
        status: 'warn',
        reason: 'SeveralServices',
        message: some(
          shared.map((each) => `${nameOf(each)} belongs to ${some((of.get(each) ?? []).map(({ name }) => name))}`),
        ),
        hint: shellLine('kubectl', '-n', other.pod.namespace, 'get', 'services', '-o', 'wide'),
      };
    return { status: 'pass', message: `${count(sidecars.length, 'pod')} with a sidecar` };
  },
});

export const containerPortsListed = defineCheck({
  id: 'container-ports-listed',
  title: 'what Services lead to passes through the sidecar',
  explains:
    'Up to 1.2 the sidecar takes those inbound ports only that containers list; from 1.3 on it takes all. An annotation, or a value of the installation, may leave ports out in any release: then rules and telemetry do not see what comes in there.',
  reasons: {
    PortNotListed: 'A Service leads to a port that its pod does not list: it passes the sidecar by.',
    PortExcluded: 'An annotation, or a value of the installation, leaves a port out that a Service leads to.',
  },
  needs: { envoys, services: allServices },
  judge({ envoys, services }, { plane }) {
    const sidecars = envoys.filter(isSidecar);
    if (sidecars.length === 0) return skip('no sidecar runs here');
    const servicesOf = servicesFor(services.items);
    const targets = sidecars.flatMap((each) =>
      servicesOf(each).flatMap((service) =>
        service.ports
          .filter(({ protocol }) => protocol === 'TCP')
          .flatMap(({ targetPort }) => (typeof targetPort === 'number' ? [{ each, service, port: targetPort }] : [])),
      ),
    );
    const isOld = plane.version !== null && !isAtLeast(plane.version, '1.3');
    const unlisted = targets.filter(
      ({ each, port }) =>
        each.pod.annotations[INCLUDE] === undefined &&
        !each.pod.containers.some(({ ports }) => ports.some((listed) => listed.port === port)),
    );
    const [first] = unlisted;
    if (isOld && first)
      return {
        status: 'fail',
        reason: 'PortNotListed',
        message: some([
          ...new Set(
            unlisted.map(
              ({ service, port }) => `Service ${titleOf(service)} leads to ${port}, which its pods do not list`,
            ),
          ),
        ]),
        hint: show(first.each),
      };
    const excluded = targets.filter(({ each, port }) => inboundKeptBy(capturedOf(each), port) !== null);
    const [other] = excluded;
    if (other)
      return {
        status: 'warn',
        reason: 'PortExcluded',
        message: some([
          ...new Set(
            excluded.map(({ each, service, port }) => `${nameOf(each)} leaves out ${port} of Service ${service.name}`),
          ),
        ]),
        hint: show(other.each),
      };
    if (services.refusal) return unknown([services.refusal], 'not every Service was seen');
    if (targets.length === 0) return skip('no Service leads to a port of these pods by its number');
    return { status: 'pass', message: `${count(targets.length, 'port')} of ${count(sidecars.length, 'pod')}` };
  },
});

const isNamed = ({ pod }: Envoy): boolean =>
  ['app', 'app.kubernetes.io/name', 'service.istio.io/canonical-name'].some((label) => pod.labels[label] !== undefined);

const isVersioned = ({ pod }: Envoy): boolean =>
  ['version', 'app.kubernetes.io/version', 'service.istio.io/canonical-revision'].some(
    (label) => pod.labels[label] !== undefined,
  );

export const podsAreLabelled = defineCheck({
  id: 'pods-are-labelled',
  title: 'pods carry the labels that rules and telemetry go by',
  explains: 'Istio asks for `app` (or its canonical name), and for `version` where subsets tell versions apart.',
  reasons: { LabelsMissing: 'Pods lack the label `app`, or `version` where subsets go by it.' },
  needs: { envoys, services: allServices, policies: attempt(destinationRules) },
  judge({ envoys, services, policies }) {
    const sidecars = envoys.filter(isSidecar);
    if (sidecars.length === 0) return skip('no sidecar runs here');
    const servicesOf = servicesFor(services.items);
    const versioned = ('got' in policies ? policies.got.items : []).filter(({ subsets }) =>
      subsets.some(({ labels }) => 'version' in labels),
    );
    const isSplit = (each: Envoy): boolean =>
      servicesOf(each).some((service) => versioned.some(({ host, namespace }) => isHostOf(host, namespace, service)));
    const nameless = sidecars.filter((each) => !isNamed(each));
    const unversioned = sidecars.filter((each) => !isVersioned(each) && isSplit(each));
    const [first] = [...nameless, ...unversioned];
    if (first)
      return {
        status: 'warn',
        reason: 'LabelsMissing',
        message: [
          ...(nameless.length > 0 ? [`no label app: ${some(nameless.map(nameOf))}`] : []),
          ...(unversioned.length > 0 ? [`no label version: ${some(unversioned.map(nameOf))}`] : []),
        ].join('; '),
        hint: shellLine('kubectl', '-n', first.pod.namespace, 'get', 'pods', '--show-labels'),
      };
    return { status: 'pass', message: `${count(sidecars.length, 'pod')} labelled` };
  },
});

export const nobodyIsTheProxy = defineCheck({
  id: 'nobody-is-the-proxy',
  title: 'no application runs as the proxy’s user',
  explains:
    'What user 1337 sends is taken for the proxy’s own and not redirected to it: rules have no effect on it. `istioctl analyze` calls it IST0144.',
  reasons: {
    RunsAsProxy: 'A container of an application runs as user 1337 (IST0144): its requests pass the proxy by.',
  },
  needs: { envoys },
  judge({ envoys }) {
    const sidecars = envoys.filter(isSidecar);
    if (sidecars.length === 0) return skip('no sidecar runs here');
    const found = sidecars.flatMap((each) =>
      each.pod.containers
        .filter(({ name, user }) => name !== each.container.name && user === PROXY_USER)
        .map(({ name }) => ({ each, name })),
    );
    const [first] = found;
    if (first)
      return {
        status: 'warn',
        reason: 'RunsAsProxy',
        message: some(found.map(({ each, name }) => `${name} of ${nameOf(each)}`)),
        hint: show(first.each),
      };
    return { status: 'pass', message: `none of ${count(sidecars.length, 'pod')}` };
  },
});
