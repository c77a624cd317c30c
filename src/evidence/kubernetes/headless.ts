import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { protocolOf } from '../../istio/protocol.ts';
import { isAtLeast } from '../../istio/release.ts';
import { envoys } from '../envoy/asked.ts';
import { isZtunnel, releaseIn } from '../istio/detection.ts';
import { durationIn } from '../text/duration.ts';
import { allNamespaces, allPods, allServices, itemsOf } from './lists.ts';
import { isAmbient, type Pod } from './pod.ts';
import type { Service, ServicePort } from './service.ts';

/** A headless Service whose clients keep long TCP connections to its pods. */
export interface HeadlessService {
  service: Service;
  /** Its ports that are TCP, or may turn out to be. */
  ports: readonly (ServicePort & { detected: boolean })[];
}

/** Those in namespaces with sidecars or in the ambient mesh: elsewhere no proxy is on the way. */
export const headlessServices = planeSource([], async ({ from, plane }): Promise<readonly HeadlessService[]> => {
  const [services, proxies, spaces, pods] = await Promise.all([
    from(allServices),
    from(envoys),
    settle(from(allNamespaces)),
    from(allPods),
  ]);
  const inMesh = new Set([
    ...proxies.map(({ pod }) => pod.namespace),
    ...itemsOf(spaces)
      .filter(({ labels }) => wantsAmbient(labels))
      .map(({ name }) => name),
    ...pods.items.filter(isAmbient).map(({ namespace }) => namespace),
  ]);
  return services.items.flatMap((service) => {
    if (!service.headless || !inMesh.has(service.namespace) || service.namespace === plane.namespace) return [];
    const ports = service.ports.flatMap((port) => {
      const { name, http } = protocolOf(port, plane.version);
      return name === 'UDP' || http === 'yes' ? [] : [{ ...port, detected: http === 'maybe' }];
    });
    return ports.length > 0 ? [{ service, ports }] : [];
  });
});

/** How Citadel makes certificates that are mounted as files (guide.md h, H2). All in milliseconds. */
export interface CertificateLife {
  ttl: number;
  /** Before its end at which it is made anew. */
  grace: number;
}

const DAY = 86_400_000;

const isCitadel = ({ labels }: Pod): boolean => labels.istio === 'citadel';

/** What Citadel gives a certificate by default, by its release: an hour, 19 hours, 90 days (guide.md 0.1). */
const ttlOf = (release: string | null): number =>
  release === null || isAtLeast(release, '0.8') ? 90 * DAY : isAtLeast(release, '0.6') ? 19 * 3_600_000 : 3_600_000;

/** By the arguments of Citadel's container, or its defaults; renewed after half of its time. */
export const certificateLife = clusterSource([], async ({ from }): Promise<CertificateLife> => {
  const citadels = (await from(allPods)).items.filter(isCitadel);
  const args = citadels.flatMap(({ containers }) => containers.flatMap((each) => each.args));
  const release = citadels.map((pod) => releaseIn(pod, 'citadel')).find((each) => each !== null) ?? null;
  const flag = (name: string): string | undefined => {
    const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    return args[at]?.includes('=') ? args[at]?.slice(args[at].indexOf('=') + 1) : args[at + 1];
  };
  const ttl = durationIn(flag('workload-cert-ttl')) ?? ttlOf(release);
  const ratio = Number(flag('workload-cert-grace-period-ratio') ?? 0.5);
  const least = durationIn(flag('workload-cert-min-grace-period')) ?? 600_000;
  return { ttl, grace: Math.max(ttl * (Number.isFinite(ratio) ? ratio : 0.5), least) };
});

export const ztunnels = clusterSource(
  [],
  async ({ from }): Promise<readonly Pod[]> => (await from(allPods)).items.filter(isZtunnel),
);

/** Whether a proxy is started anew for a certificate: with files, before SDS came to be the rule (1.5). */
export const isFileMounted = (pod: Pod, container: string, planes: string | null): boolean => {
  const release = releaseIn(pod, container) ?? planes;
  return release !== null && !isAtLeast(release, '1.5');
};
