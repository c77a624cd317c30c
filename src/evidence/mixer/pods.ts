import type { Attempt, ControlPlane } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { isAtLeast } from '../../istio/release.ts';
import { isMixerTelemetry } from '../istio/detection.ts';
import { allDeployments, allPods, allServices, type Deployment, type Listing, selects } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import type { Service } from '../kubernetes/service.ts';

/** Mixer's telemetry half in one namespace: what should run, what runs, and what leads to it. */
export interface Mixer {
  /** Every telemetry pod that runs or should, ready or not. */
  pods: readonly Pod[];
  /** Why not all pods could be seen; null when they were. */
  unlisted: Unanswered | null;
  /** null when there is none. */
  deployment: Attempt<Deployment | null>;
  flags: MixerFlags;
}

/** The arguments of the container `mixer` that decide how its configuration is read (mixer.md 3). */
export interface MixerFlags {
  monitoringPort: number;
  /** Rules of this namespace apply to all others. */
  configDefaultNamespace: string;
  /** Whether it reads `prometheuses` and the like; false in the charts from 1.2 on. */
  useAdapterCRDs: boolean;
  /** Whether it reads `metrics` and the like. */
  useTemplateCRDs: boolean;
  /** Whether Galley hands it the configuration, instead of the API server. */
  fromGalley: boolean;
}

/** The port that the Prometheus adapter listens on in every release (mixer.md 0, finding 5). */
export const ADAPTER_PORT = 42422;

const flagOf = (args: readonly string[], name: string): string | undefined => {
  const joined = args.find((arg) => arg.startsWith(`--${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 3);
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args[at + 1];
};

/** Reads the flags from a telemetry pod; without a pod they are those of the release. */
export function flagsOf(pod: Pod | undefined, plane: Pick<ControlPlane, 'namespace' | 'version'>): MixerFlags {
  const container = pod?.containers.find(({ name }) => name === 'mixer') ?? pod?.containers[0];
  const args = container?.args ?? [];
  const declared = container?.ports.map(({ port }) => port).find((port) => port === 9093 || port === 15014);
  const byRelease = plane.version !== null && isAtLeast(plane.version, '1.1') ? 15014 : 9093;
  return {
    monitoringPort: Number(flagOf(args, 'monitoringPort') ?? declared ?? byRelease),
    configDefaultNamespace: flagOf(args, 'configDefaultNamespace') ?? plane.namespace ?? 'istio-system',
    useAdapterCRDs: flagOf(args, 'useAdapterCRDs') !== 'false',
    useTemplateCRDs: flagOf(args, 'useTemplateCRDs') !== 'false',
    fromGalley: /^mcps?:/.test(flagOf(args, 'configStoreURL') ?? ''),
  };
}

export const mixer = planeSource([], async ({ from, plane }): Promise<Mixer> => {
  const [pods, deployments] = await Promise.all([from(allPods), settle(from(allDeployments))]);
  const own = pods.items.filter((pod) => isMixerTelemetry(pod) && pod.namespace === plane.namespace && !isOver(pod));
  const isMixers = ({ name, namespace }: Deployment): boolean =>
    namespace === plane.namespace && (name === 'istio-telemetry' || name === 'istio-mixer');
  return {
    pods: own,
    unlisted: pods.refusal,
    deployment: deploymentIn(deployments, isMixers),
    flags: flagsOf(own[0], plane),
  };
});

/** The Deployment; missing too when it may be where Deployments could not be listed. */
function deploymentIn(
  deployments: Attempt<Listing<Deployment>>,
  isMixers: (deployment: Deployment) => boolean,
): Attempt<Deployment | null> {
  if ('missing' in deployments) return deployments;
  const found = deployments.got.items.find(isMixers);
  if (!found && deployments.got.refusal) return { missing: deployments.got.refusal };
  return { got: found ?? null };
}

/** Evicted and finished pods stay in the list and are no replicas. */
const isOver = ({ phase, deleting }: Pod): boolean => phase === 'Failed' || phase === 'Succeeded' || deleting;

/**
 * The Service through which Envoy reaches Mixer and Prometheus finds its adapter: the charts' own (istio-mixer in 0.7
 * and older, mixer.md 1.1), or whichever selects the pods. null when there is none.
 */
export const telemetryService = planeSource([], async ({ from, plane }): Promise<TelemetryService> => {
  const [services, { pods }] = await Promise.all([from(allServices), from(mixer)]);
  const own = services.items.filter(({ namespace }) => namespace === plane.namespace);
  const byName = (name: string): Service | undefined => own.find((service) => service.name === name);
  const bySelector = own.find(({ selector }) => pods.some((pod) => selects(selector, pod.labels)));
  return {
    service: byName('istio-telemetry') ?? byName('istio-mixer') ?? bySelector ?? null,
    unlisted: services.refusal,
  };
});

export interface TelemetryService {
  service: Service | null;
  /** Why not all Services could be seen; null when they were. */
  unlisted: Unanswered | null;
}

/**
 * The pods whose pages are judged: those that are ready, or, where none is, those that run. A replica that is just
 * starting has no configuration yet, and that is no fault (mixer.md 7, trap 2).
 */
export function judgedPods(pods: readonly Pod[]): readonly Pod[] {
  const running = pods.filter(isRunning);
  const ready = running.filter((pod) => pod.ready);
  return ready.length > 0 ? ready : running;
}
