import { isAtLeast } from './release.ts';
import { isEmpty, isSelected, type LabelSelector } from './selector.ts';

type Labels = Readonly<Record<string, string>>;

/** What of a pod decides whether it gets a proxy. */
export interface Injectable {
  namespace: string;
  labels: Labels;
  annotations: Readonly<Record<string, string>>;
  hostNetwork: boolean;
}

/** Which namespaces and which objects a webhook is called for; null for all. */
export interface Selecting {
  namespaces: LabelSelector | null;
  objects: LabelSelector | null;
}

/** How a pod says that it wants a proxy, or none: a label from 1.10 on, an annotation in every release. */
export const INJECT = 'sidecar.istio.io/inject';

/**
 * By which istiod tells ztunnels that a sidecar takes tunnels (pilot/pkg/serviceregistry/ambient/workloads.go, setTunnelProtocol);
 * the injection template sets it where ambient is on.
 */
export const TUNNEL = 'networking.istio.io/tunnel';

/** Which control plane a namespace or a pod wants its proxies from: a revision, or a tag. */
export const REVISION = 'istio.io/rev';

/** How a namespace asks the default control plane for proxies. */
export const INJECTION = 'istio-injection';

/**
 * Whether the API server calls a webhook for a pod with these labels in a namespace with those. Nothing but its own selectors
 * decides, so every form that Istio's charts gave them is right: from 1.10 on the four of
 * manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml (`rev.namespace`, `rev.object`, `namespace`,
 * `object`; a fifth, `auto`, with enableNamespacesByDefault) and those of a tag in revision-tags-mwc.yaml; before, and with
 * useLegacySelectors after, one that looks at the namespace only.
 */
export const isCalledFor = ({ namespaces, objects }: Selecting, pod: Labels, namespace: Labels): boolean =>
  isSelected(namespaces, namespace) && isSelected(objects, pod);

/** Whether a webhook is called for a plain pod in a namespace with these labels. */
export const isCalledIn = (webhook: Selecting, namespace: Labels): boolean => isCalledFor(webhook, {}, namespace);

/** Whether a namespace's labels ask the default control plane for sidecars. */
export const isEnabled = (labels: Labels): boolean => labels[INJECTION] === 'enabled';

/** Whether a namespace's labels ask for sidecars, of this revision where one is named; istio-injection has the first word. */
export const isAsking = (labels: Labels, revision: string | null = null): boolean =>
  labels[INJECTION] === undefined
    ? labels[REVISION] !== undefined && (revision === null || labels[REVISION] === revision)
    : isEnabled(labels);

/** The revisions and tags that a namespace can name and be served. */
export const revisionsIn = (webhooks: readonly Selecting[]): readonly string[] => [
  ...new Set(
    webhooks.flatMap(({ namespaces }) =>
      (namespaces?.matchExpressions ?? []).flatMap(({ key, operator, values }) =>
        key === REVISION && operator === 'In' ? (values ?? []) : [],
      ),
    ),
  ),
];

/** What the ConfigMap istio-sidecar-injector tells the injector. */
export interface InjectorSettings {
  /** `enabled`: pods that say nothing are injected. `disabled`: they are not. Anything else stops it. */
  policy: string;
  never: readonly LabelSelector[];
  always: readonly LabelSelector[];
}

/** As the charts install it (values.yaml: global.proxy.autoInject, sidecarInjectorWebhook). */
export const DEFAULT_SETTINGS: InjectorSettings = { policy: 'enabled', never: [], always: [] };

/** Why an injector that is called leaves a pod as it is. */
export type Refusal = 'host-network' | 'system-namespace' | 'opted-out' | 'never-selected' | 'policy';

const KUBERNETES = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/** Whether a namespace is Kubernetes' own, which no injector touches (pkg/kube/inject/initializer.go, IgnoredNamespaces). */
export const isKubernetes = (namespace: string): boolean => KUBERNETES.includes(namespace);

/** Whether a pod wants a proxy, in its own words; null where it says nothing that this release understands. */
export function wishOf({ labels, annotations }: Injectable, version: string | null): boolean | null {
  const hasLabel = version === null || isAtLeast(version, '1.10');
  const said = (hasLabel ? labels[INJECT] : undefined) ?? annotations[INJECT] ?? '';
  if (said === '') return null;
  if (version === null || isAtLeast(version, '1.27')) return said === 'true' ? true : said === 'false' ? false : null;
  return ['y', 'yes', 'true', 'on'].includes(said.toLowerCase());
}

/**
 * Why the injector, when it is called, declines; null when it injects (pkg/kube/inject/inject.go, injectRequired). The label
 * beats the annotation, also where it is empty. Up to 1.26 words for yes are YAML's and any other is a no; from 1.27 on there
 * are `true` and `false`, and any other says nothing.
 */
export function refusalOf(pod: Injectable, settings: InjectorSettings, version: string | null): Refusal | null {
  if (pod.hostNetwork) return 'host-network';
  if (isKubernetes(pod.namespace)) return 'system-namespace';
  if (settings.policy !== 'enabled' && settings.policy !== 'disabled') return 'policy';
  const wish = wishOf(pod, version);
  if (wish !== null) return wish ? null : 'opted-out';
  const isAmong = (selectors: readonly LabelSelector[]): boolean =>
    selectors.some((selector) => !isEmpty(selector) && isSelected(selector, pod.labels));
  if (isAmong(settings.never)) return 'never-selected';
  return settings.policy === 'enabled' || isAmong(settings.always) ? null : 'policy';
}

/** A webhook with what it leads to. */
export interface Injector extends Selecting {
  settings: InjectorSettings;
}

/** What becomes of a pod when it is created. */
export interface Outcome<T extends Injector> {
  /** The webhooks that are called for it: none, and it stays as it is. */
  called: readonly T[];
  /** Why all of them decline; null where one injects, or none is called. */
  refusal: Refusal | null;
}

export function outcomeOf<T extends Injector>(
  pod: Injectable,
  namespace: Labels,
  injectors: readonly T[],
  version: string | null,
): Outcome<T> {
  const called = injectors.filter((injector) => isCalledFor(injector, pod.labels, namespace));
  const refusals = called.map(({ settings }) => refusalOf(pod, settings, version));
  return { called, refusal: refusals.includes(null) ? null : (refusals[0] ?? null) };
}

/** Pods that should have a proxy: in namespaces labelled for injection, and not excepted from it. */
export const expected = <T extends Injectable>(
  pods: readonly T[],
  injected: ReadonlySet<string>,
  version: string | null,
): readonly T[] =>
  pods.filter((pod) => injected.has(pod.namespace) && refusalOf(pod, DEFAULT_SETTINGS, version) === null);
