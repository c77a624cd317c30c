import { shellLine } from '../../../../cluster/question/shell.ts';
import { type Attempt, type ControlPlane, defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { capturedOf } from '../../../../evidence/istio/captured.ts';
import { settingsName } from '../../../../evidence/istio/injection.ts';
import { type Proxy as Injected, population } from '../../../../evidence/istio/population.ts';
import { sidecars } from '../../../../evidence/istio/routing.ts';
import { behindAny } from '../../../../evidence/istio/servers.ts';
import { meshConfig } from '../../../../evidence/kubernetes/config-maps.ts';
import { allServices, byNamespace, type Listing } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { type Service, type ServicePort, targetOf } from '../../../../evidence/kubernetes/service.ts';
import {
  byService,
  connectionsByService,
  isWhole,
  requestsByService,
} from '../../../../evidence/prometheus/by-service.ts';
import { inboundKeptBy, type Keeping, outboundKeptBy, SIDECAR_PORTS } from '../../../../istio/capture.ts';
import { type Sidecar, sidecarOf } from '../../../../istio/sidecars.ts';
import { editOwner } from '../../../templates.ts';

/** A port of a Service whose traffic does not go through the sidecars behind it. */
interface Kept {
  service: Service;
  port: ServicePort;
  target: number;
  pods: readonly Pod[];
  by: Keeping;
}

/** Words between the hyphens of a port's name that say that nobody misses it: probes, and pages that are scraped past the sidecar on purpose. */
const ASIDE =
  /(^|[-_.])(metrics?|prom|prometheus|health(z|check)?|probes?|readyz?|readiness|livez?|liveness|admin|debug|stats|telemetry)\d*($|[-_.])/i;

/** What a Sidecar keeps from redirection. */
const bySidecar = (sidecar: Sidecar): Keeping => ({
  words: `captureMode NONE of Sidecar ${titleOf(sidecar)}`,
  by: { sidecar },
});
const inboundBySidecar = (sidecar: Sidecar | null, port: number): Keeping | null =>
  sidecar?.uncaptured?.inbound.includes(port) ? bySidecar(sidecar) : null;
const outboundBySidecar = (sidecar: Sidecar | null): Keeping | null =>
  sidecar?.uncaptured?.outbound ? bySidecar(sidecar) : null;

type SidecarFor = (proxy: Injected) => Sidecar | null;

/** The Sidecar that is a proxy's, looked for once. Where none says anything of captureMode, none matters. */
function sidecarsFor(rules: readonly Sidecar[], root: string): SidecarFor {
  if (rules.every(({ uncaptured }) => uncaptured === undefined)) return () => null;
  const inNamespace = byNamespace(rules);
  const known = new Map<Pod, Sidecar | null>();
  return ({ pod }) => {
    const before = known.get(pod);
    if (before !== undefined) return before;
    const found = sidecarOf([...new Set([pod.namespace, root])].flatMap(inNamespace), pod, root);
    known.set(pod, found);
    return found;
  };
}

function keptIn(services: readonly Service[], proxies: readonly Injected[], sidecarFor: SidecarFor): readonly Kept[] {
  const byPod = new Map(proxies.map((proxy) => [proxy.pod, proxy]));
  const behind = behindAny(proxies.map(({ pod }) => pod));
  return services.flatMap((service) => {
    const own = behind(service);
    return service.ports
      .filter(({ protocol, name }) => protocol === 'TCP' && !ASIDE.test(name ?? ''))
      .flatMap((port): readonly Kept[] => {
        const found = own.flatMap((pod) => {
          const target = targetOf(port, pod);
          const proxy = byPod.get(pod);
          if (target === null || !proxy || SIDECAR_PORTS.includes(target)) return [];
          const by = inboundKeptBy(capturedOf(proxy), target) ?? inboundBySidecar(sidecarFor(proxy), target);
          return by === null ? [] : [{ pod, target, by }];
        });
        const [first] = found;
        return first ? [{ service, port, ...first, pods: found.map(({ pod }) => pod) }] : [];
      });
  });
}

/** Prometheus itself is told so, where it has a sidecar for its certificates only (istio.io, ops/integrations/prometheus). */
const isPrometheus = ({ containers }: Pod): boolean =>
  containers.some(({ name, image }) => name.startsWith('prometheus') || /\/prometheus(:|@|$)/.test(image));

/** Where it is said, to be looked at and edited: a Sidecar, the values of the installation, the template's annotation. */
function edit(pod: Pod, { words, by }: Keeping, { namespace: control, revision }: ControlPlane): string {
  if (typeof by === 'object')
    return `${shellLine('kubectl', '-n', by.sidecar.namespace, 'edit', 'sidecars.networking.istio.io', by.sidecar.name)}   # captureMode`;
  if (by === 'values') {
    const map = settingsName({ revision });
    return `${shellLine('kubectl', '-n', control ?? 'istio-system', 'get', 'configmap', map, '-o', 'jsonpath={.data.values}')}   # ${words}: set it by Helm or istioctl, then restart the pods`;
  }
  return `${editOwner(pod)}   # of its template: ${words}`;
}

const refusalOf = (listing: Attempt<Listing<unknown>>) =>
  'missing' in listing ? listing.missing : listing.got.refusal;

export const trafficIsCaptured = defineCheck({
  id: 'traffic-is-captured',
  title: 'what sidecars are to count goes through them',
  explains:
    'Reads the annotations traffic.sidecar.istio.io/… of pods with a sidecar, their interception mode, and captureMode of the Sidecar that is theirs: which ports of Services do not go through the sidecars behind them, and which pods send everything past theirs. Ports for metrics and probes are left out, and so is a Prometheus. It is a failure where callers count traffic to such a Service, and no sidecar behind it does; else a warning, since it may be meant.',
  reasons: {
    InboundNotCounted: 'Callers count traffic to a Service whose port does not go through the sidecars behind it.',
    InboundNotCaptured: 'A Service’s port does not go through the sidecars behind it: they count nothing of it.',
    OutboundNotCaptured: 'What pods send does not go through their sidecar: they count nothing as the source.',
  },
  needs: {
    population,
    services: attempt(allServices),
    sidecars: attempt(sidecars),
    mesh: attempt(meshConfig),
    requests: attempt(requestsByService),
    connections: attempt(connectionsByService),
  },
  judge({ population: all, services, sidecars, mesh, requests, connections }, { plane }): Verdict {
    const proxies = all.proxies.filter(({ kind }) => kind === 'sidecar');
    if (proxies.length === 0) return all.refusal ? unknown([all.refusal]) : skip('no pod has a sidecar');
    const root = ('got' in mesh ? mesh.got?.rootNamespace : null) ?? plane.namespace ?? 'istio-system';
    const sidecarFor = sidecarsFor('got' in sidecars ? sidecars.got.items : [], root);
    const kept = keptIn('got' in services ? services.got.items : [], proxies, sidecarFor);
    const sources = proxies.flatMap((proxy) => {
      const by = outboundKeptBy(capturedOf(proxy)) ?? outboundBySidecar(sidecarFor(proxy));
      return by === null || isPrometheus(proxy.pod) ? [] : [{ pod: proxy.pod, by }];
    });
    const counted = [byService(requests), byService(connections)];
    const isMissed = ({ service }: Kept): boolean => {
      if (!counted.every(isWhole)) return false;
      const reporters = counted.flatMap(({ of }) => of(service).map(({ reporter }) => reporter));
      return reporters.includes('source') && !reporters.includes('destination');
    };
    const missed = kept.filter(isMissed);
    const told = isSome(missed) ? missed : kept;
    const name = ({ service, port, target }: Kept): string =>
      `${titleOf(service)} port ${port.port}${port.port === target ? '' : ` to ${target}`}`;
    const [first] = told;
    if (first?.pods[0]) {
      const subjects = subjectsOf([...new Set(told.flatMap(({ pods }) => pods))]);
      const isFailure = missed.length > 0;
      return {
        status: isFailure ? 'fail' : 'warn',
        reason: isFailure ? 'InboundNotCounted' : 'InboundNotCaptured',
        message: `${isFailure ? 'callers count traffic that the sidecars do not see' : 'sidecars do not see'}: ${some(told.map(name))}, by ${first.by.words}`,
        evidence: [
          ...told.slice(0, 5).map((each) => `${name(each)}: ${each.by.words}, ${count(each.pods.length, 'pod')}`),
          ...linesOf(subjects).slice(0, 5),
        ],
        subjects,
        hint: edit(first.pods[0], first.by, plane),
      };
    }
    const [source] = sources;
    if (source) {
      const subjects = subjectsOf(sources.map(({ pod }) => pod));
      return {
        status: 'warn',
        reason: 'OutboundNotCaptured',
        message: `${sources.length} of ${count(proxies.length, 'sidecar')} do not see what ${sources.length === 1 ? 'its pod sends' : 'their pods send'}, by ${source.by.words}: ${some(subjects.map(titleOf))}`,
        evidence: linesOf(subjects),
        subjects,
        hint: edit(source.pod, source.by, plane),
      };
    }
    const missing = [refusalOf(services), refusalOf(sidecars), all.refusal].filter((each) => each !== null);
    if (isSome(missing)) return unknown(missing, 'not everything that decides it was seen');
    return { status: 'pass', message: `${count(proxies.length, 'sidecar')}, and no Service’s port goes past them` };
  },
});
