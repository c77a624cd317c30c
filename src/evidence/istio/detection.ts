import { envoyFilters, typedName } from '../../cluster/question/resources.ts';
import type { Ask, ControlPlane, Generation } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { type Unanswered, UsageError } from '../../errors.ts';
import { GATEWAY_NAME, WAYPOINT_CLASS } from '../../istio/attachment.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { compare } from '../../istio/order.ts';
import { isAtLeast } from '../../istio/release.ts';
import { isManagedWaypoint } from '../../istio/waypoints.ts';
import {
  allDeployments,
  allNamespaces,
  allPods,
  type Deployment,
  itemsOf,
  listAll,
  missingOf,
  type Namespace,
} from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { type Pod, proxyOf } from '../kubernetes/pod.ts';
import { istiodOf } from './plane-of-ztunnel.ts';

/** What the search for control planes found, and what it could not look at. */
export interface Detection {
  planes: readonly ControlPlane[];
  /** All that there are, whatever -i and --revision ask for. */
  all: readonly ControlPlane[];
  /** Searches that were refused or failed: with one of them "no Istio" is not proven. */
  unsearched: readonly Unanswered[];
  /** What was searched, for a reader who expected a mesh. */
  searched: readonly string[];
}

/** `1.0.6` of `docker.io/istio/mixer:1.0.6`, `1.1.13` of `…:1.1.13-gke.0`; null of `…:latest` or a digest. */
export function releaseOf(image: string): string | null {
  const tag = /:([^/@]+)(?:@|$)/.exec(image)?.[1] ?? '';
  return /(?:^|[^\d.])(\d+\.\d+(?:\.\d+)?)/.exec(tag)?.[1] ?? null;
}

/**
 * Mixer's telemetry pods (mixer.md 1.1): labelled from 0.8 on; before, one Deployment did policy and telemetry and
 * its pods carry `istio=mixer` only. Policy pods look alike and are none.
 */
export const isMixerTelemetry = (pod: Pod): boolean =>
  pod.labels['istio-mixer-type'] === 'telemetry' ||
  (pod.labels.istio === 'mixer' &&
    pod.labels['istio-mixer-type'] === undefined &&
    pod.labels.app !== 'policy' &&
    pod.containers.some(({ name }) => name === 'mixer'));

/** A pod of Pilot, or of the istiod that took its place, in every release (guide.md 0.2). */
export const isPilotPod = (pod: Pod): boolean => isPilot(pod) || isIstiod(pod);

const isIstiod = (pod: Pod): boolean =>
  pod.labels.app === 'istiod' || (isPilot(pod) && isAtLeast(releaseIn(pod, 'discovery') ?? '0.0', '1.5'));

const isPilot = (pod: Pod): boolean =>
  pod.labels.istio === 'pilot' && pod.containers.some(({ name }) => name === 'discovery');

/** ztunnel's pods; the label alone could be anybody's. */
export const isZtunnel = (pod: Pod): boolean =>
  pod.labels.app === 'ztunnel' && pod.containers.some(({ image }) => /ztunnel/.test(image));

/** A waypoint's, which belongs to ambient: of Istio's own class, or of another implementation that istiod manages. */
export const isWaypointPod = ({ labels }: Pod): boolean =>
  labels['gateway.networking.k8s.io/gateway-class-name'] === WAYPOINT_CLASS || isManagedWaypoint(labels);

/** The Gateway that a waypoint's pod is of, as `titleOf` names it. */
export const gatewayOf = ({ namespace, labels }: Pod): string =>
  titleOf({ namespace, name: labels[GATEWAY_NAME] ?? '' });

export const releaseIn = (pod: Pod, container: string): string | null =>
  releaseOf(pod.containers.find(({ name }) => name === container)?.image ?? '');

interface Found {
  generation: Generation;
  namespace: string | null;
  revision: string | null;
  version: string | null;
}

/** Finds every control plane by what is there: pods first, then Deployments without pods, then proxies on their own. */
export const detection = clusterSource(
  [{ verb: 'list', resource: typedName(envoyFilters) }],
  async (ask): Promise<Detection> => {
    const [pods, deployments, namespaces] = await Promise.all([
      settle(ask.from(allPods)),
      settle(ask.from(allDeployments)),
      settle(ask.from(allNamespaces)),
    ]);
    const unsearched = [...missingOf(pods), ...missingOf(deployments)];
    const everyPod = itemsOf(pods);
    const everyDeployment = itemsOf(deployments);
    const istiod = istiods(everyPod, everyDeployment);

    const found = [
      ...mixers(everyPod, everyDeployment),
      ...istiod,
      ...ambients(everyPod, itemsOf(namespaces), istiod, ask.scope.revision),
      ...('got' in pods && pods.got.complete ? orphans(everyPod) : []),
    ];
    const planes = await withoutUnusedTelemetryV2(ask, distinct(found));
    const asked = planes.filter((plane) => isAskedFor(ask, plane));
    if (asked.length === 0 && planes.length > 0) {
      throw new UsageError(`no control plane is where -i or --revision says; there is one in ${places(planes)}`);
    }
    return {
      planes: asked,
      all: planes,
      unsearched,
      searched: [
        `${everyPod.length} pods, for Mixer, Pilot, istiod, ztunnel and sidecars`,
        `${everyDeployment.length} Deployments, for istio-telemetry and istio-pilot`,
      ],
    };
  },
);

const places = (planes: readonly ControlPlane[]): string =>
  [...new Set(planes.map(({ namespace }) => namespace ?? '?'))].join(', ');

const isAskedFor = ({ scope }: Ask, plane: ControlPlane): boolean =>
  (scope.istioNamespace === null || plane.namespace === null || plane.namespace === scope.istioNamespace) &&
  (scope.revision === null || (plane.revision ?? 'default') === scope.revision);

function mixers(pods: readonly Pod[], deployments: readonly Deployment[]): readonly Found[] {
  const plane = (namespace: string, version: string | null): Found => ({
    generation: 'mixer',
    namespace,
    revision: null,
    version,
  });
  const running = pods.filter(isMixerTelemetry).map((pod) => plane(pod.namespace, releaseIn(pod, 'mixer')));
  // A Mixer scaled to nothing is a Mixer that should be there.
  const scaledDown = deployments
    .filter(({ name, images }) => name === 'istio-telemetry' && images.some((image) => /mixer/.test(image)))
    .map(({ namespace, images }) => plane(namespace, releaseOf(images.find((image) => /mixer/.test(image)) ?? '')));
  // Before 1.5 a Pilot without any Mixer is a mesh whose telemetry was not installed, or is gone. The two may live in
  // different namespaces.
  if (running.length + scaledDown.length > 0) return [...running, ...scaledDown];
  const pilots = pods
    .filter((pod) => isPilot(pod) && !isIstiod(pod))
    .map((pod) => plane(pod.namespace, releaseIn(pod, 'discovery')));
  return pilots;
}

function istiods(pods: readonly Pod[], deployments: readonly Deployment[]): readonly Found[] {
  const running = pods.filter(isIstiod).map(
    (pod): Found => ({
      generation: 'telemetry-v2',
      namespace: pod.namespace,
      revision: pod.labels['istio.io/rev'] ?? null,
      version: releaseIn(pod, 'discovery'),
    }),
  );
  // One without pods is one that should be there.
  const imageOf = ({ images }: Deployment): string => images.find((image) => /\/pilot(:|@|$|-)/.test(image)) ?? '';
  const podless = deployments.filter(
    (each) =>
      /^istiod(-|$)/.test(each.name) &&
      imageOf(each) !== '' &&
      !running.some(({ namespace }) => namespace === each.namespace),
  );
  return [
    ...running,
    ...podless.map(
      (each): Found => ({
        generation: 'telemetry-v2',
        namespace: each.namespace,
        revision: each.labels['istio.io/rev'] ?? null,
        version: releaseOf(imageOf(each)),
      }),
    ),
  ];
}

/**
 * Ambient is there where a ztunnel runs, and where pods or namespaces ask for it and none does. Its control plane is istiod:
 * ztunnels may run in another namespace, and are of one mesh.
 */
function ambients(
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
  istiods: readonly Found[],
  asked: string | null,
): readonly Found[] {
  const ztunnel = pods.find(isZtunnel);
  const asks = ({ labels }: { labels: Readonly<Record<string, string>> }): boolean => wantsAmbient(labels);
  const isAsked = istiods.length > 0 && (pods.some((pod) => isWaypointPod(pod) || asks(pod)) || namespaces.some(asks));
  if (!ztunnel && !isAsked) return [];
  const parts = pods.filter((pod) => isZtunnel(pod) || isWaypointPod(pod));
  const istiod = istiodOf(istiods, ztunnel, { parts, asked });
  return [
    {
      generation: 'ambient',
      namespace: istiod?.namespace ?? ztunnel?.namespace ?? null,
      revision: istiod?.revision ?? null,
      // It is istiod that knows labels, waypoints and Telemetry; ztunnel may be older.
      version: istiod?.version ?? (ztunnel && releaseIn(ztunnel, 'istio-proxy')) ?? null,
    },
  ];
}

/** Sidecars whose control plane is nowhere in this cluster: it runs elsewhere, or is gone. */
function orphans(pods: readonly Pod[]): readonly Found[] {
  if (pods.some((pod) => isMixerTelemetry(pod) || isPilot(pod) || isIstiod(pod))) return [];
  const versions = pods
    .filter((pod) => proxyOf(pod) !== undefined && !isZtunnel(pod))
    .map((pod) => releaseIn(pod, 'istio-proxy'))
    .filter((version) => version !== null);
  const [version] = versions;
  if (version === undefined) return [];
  return [
    { generation: isAtLeast(version, '1.5') ? 'telemetry-v2' : 'mixer', namespace: null, revision: null, version },
  ];
}

/** One plane for each generation, namespace and revision, the first known version of it. */
function distinct(found: readonly Found[]): readonly ControlPlane[] {
  const planes = new Map<string, ControlPlane>();
  for (const plane of found) {
    const key = JSON.stringify([plane.generation, plane.namespace, plane.revision]);
    const known = planes.get(key);
    if (!known || known.version === null) planes.set(key, plane);
  }
  const order: readonly Generation[] = ['mixer', 'telemetry-v2', 'ambient'];
  return [...planes.values()].sort(
    (a, b) =>
      order.indexOf(a.generation) - order.indexOf(b.generation) ||
      compare(a.namespace ?? '', b.namespace ?? '') ||
      compare(a.revision ?? '', b.revision ?? ''),
  );
}

/**
 * One plane for each control plane: Mixer, and ztunnel, beside an istiod are that istiod's. It comes from the plane
 * whose version is istiod's own.
 */
export function controlPlanesOf(planes: readonly ControlPlane[]): readonly ControlPlane[] {
  const istiods = planes.filter(({ generation }) => generation === 'telemetry-v2');
  const isServed = ({ generation, namespace }: ControlPlane): boolean =>
    (generation === 'ambient' && istiods.length > 0) ||
    (generation === 'mixer' && istiods.some((istiod) => istiod.namespace === namespace));
  return planes.filter((plane) => !isServed(plane));
}

/**
 * Istio 1.5 to 1.7 may run Mixer beside an istiod that makes no metrics. Which it is, its EnvoyFilters say
 * (modern.md 1.1): without a stats filter there is no telemetry v2 to diagnose.
 */
async function withoutUnusedTelemetryV2(ask: Ask, planes: readonly ControlPlane[]): Promise<readonly ControlPlane[]> {
  const inDoubt = (plane: ControlPlane): boolean =>
    plane.generation === 'telemetry-v2' && plane.version !== null && !isAtLeast(plane.version, '1.8');
  if (!planes.some(({ generation }) => generation === 'mixer') || !planes.some(inDoubt)) return planes;
  const filters = await settle(listAll(ask, envoyFilters, ({ metadata }) => metadata.name));
  // Not being allowed to tell, it is reported: as a generation that is not known to be healthy.
  if ('missing' in filters) return planes;
  if (filters.got.refusal) return planes;
  const hasStats = filters.got.items.some((name) => /^(tcp-)?stats-filter-/.test(name));
  return hasStats ? planes : planes.filter((plane) => !inDoubt(plane));
}
