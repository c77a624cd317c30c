import { drawing } from './lookup.ts';

type Labels = Record<string, string>;

/** Namespaces with every pair of labels about injection, and some that are ambient beside it. */
export const NAMESPACES: readonly { name: string; labels: Labels }[] = [
  ...[undefined, 'enabled', 'disabled', 'true', ''].flatMap((injection) =>
    [undefined, 'default', 'canary', 'prod', 'gone'].map((revision) => ({
      ...(injection !== undefined && { 'istio-injection': injection }),
      ...(revision !== undefined && { 'istio.io/rev': revision }),
    })),
  ),
  { 'istio.io/dataplane-mode': 'ambient' },
  { 'istio.io/dataplane-mode': 'ambient', 'istio.io/rev': 'canary' },
].map((labels, at) => ({ name: `inject-${at}`, labels }));

const WORDS = ['true', 'true', 'false', 'false', 'yes', 'True', 'off', ''];

/** A pod as it is before it is created. */
export interface MadePod {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: { name: string; namespace: string; labels: Labels; annotations: Labels };
  spec: object;
}

/** Pods of each namespace, and of one of Kubernetes' own, that ask and refuse in every way. */
export function podsOf(seed: number, each: number): readonly MadePod[] {
  const draw = drawing(seed);
  return [...NAMESPACES.map(({ name }) => name), 'kube-system'].flatMap((namespace) =>
    Array.from({ length: each }, (_, at) => ({
      apiVersion: 'v1' as const,
      kind: 'Pod' as const,
      metadata: {
        name: `pod-${at}`,
        namespace,
        labels: {
          app: draw.any(['front', 'job', 'web']),
          ...(draw.chance(0.5) && { 'sidecar.istio.io/inject': draw.any(WORDS) }),
          ...(draw.chance(0.3) && { 'istio.io/rev': draw.any(['default', 'canary', 'prod', 'gone']) }),
        },
        annotations: draw.chance(0.4) ? { 'sidecar.istio.io/inject': draw.any(WORDS) } : {},
      },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: 'web', image: 'web:1' }],
        ...(draw.chance(0.1) && { hostNetwork: true }),
      },
    })),
  );
}
