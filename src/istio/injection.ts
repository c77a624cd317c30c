import { isSelected, type LabelSelector } from './selector.ts';

type Labels = Readonly<Record<string, string>>;

/** What of a pod decides whether it gets a proxy. */
export interface Injectable {
  namespace: string;
  labels: Labels;
  annotations: Readonly<Record<string, string>>;
  hostNetwork: boolean;
}

/** Whether a webhook is called for a plain pod in a namespace with these labels. */
export const isCalledIn = (
  { namespaces, objects }: { namespaces: LabelSelector | null; objects: LabelSelector | null },
  labels: Labels,
): boolean => isSelected(namespaces, labels) && isSelected(objects, {});

/** Whether a namespace's labels ask the default control plane for sidecars. */
export const isEnabled = (labels: Labels): boolean => labels['istio-injection'] === 'enabled';

/** Whether a namespace's labels ask for sidecars, of this revision where one is named. */
export const injectionAsked = ({ labels }: { labels: Labels }, revision: string | null): boolean =>
  isEnabled(labels) ||
  (labels['istio.io/rev'] !== undefined && (revision === null || labels['istio.io/rev'] === revision));

/** Pods that should have a proxy: in namespaces labelled for injection, and not excepted from it. */
export const expected = <T extends Injectable>(pods: readonly T[], injected: ReadonlySet<string>): readonly T[] =>
  pods.filter(
    (pod) =>
      injected.has(pod.namespace) &&
      !pod.hostNetwork &&
      pod.annotations['sidecar.istio.io/inject'] !== 'false' &&
      pod.labels['sidecar.istio.io/inject'] !== 'false',
  );
