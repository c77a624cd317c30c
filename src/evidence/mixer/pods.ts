import type { Attempt, ControlPlane } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { isAtLeast, isMixerTelemetry } from '../istio.ts';
import { allDeployments, allPods, allServices, type Deployment, type Pod, type Service } from '../kubernetes.ts';

/** Mixer's telemetry half in one namespace: what should run, what runs, and what leads to it. */
export interface Mixer {
  /** Every telemetry pod, ready or not. */
  pods: readonly Pod[];
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
  const own = pods.items.filter((pod) => isMixerTelemetry(pod) && pod.namespace === plane.namespace);
  const isMixers = ({ name, namespace }: Deployment): boolean =>
    namespace === plane.namespace && (name === 'istio-telemetry' || name === 'istio-mixer');
  return {
    pods: own,
    deployment: 'got' in deployments ? { got: deployments.got.items.find(isMixers) ?? null } : deployments,
    flags: flagsOf(own[0], plane),
  };
});

/** The Service through which Envoy reaches Mixer and Prometheus finds its adapter; null when it is not there. */
export const telemetryService = planeSource([], async ({ from, plane }): Promise<Service | null> => {
  const services = await from(allServices);
  const own = services.items.filter(({ namespace }) => namespace === plane.namespace);
  // 0.7 and older have one Service istio-mixer (mixer.md 1.1).
  return own.find(({ name }) => name === 'istio-telemetry') ?? own.find(({ name }) => name === 'istio-mixer') ?? null;
});
