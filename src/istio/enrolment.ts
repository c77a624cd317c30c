import { isEmpty, isSelected, type LabelSelector } from './selector.ts';

type Labels = Readonly<Record<string, string>>;

/** How a namespace or a pod asks for ambient, or says that it wants none of it. */
export const DATAPLANE = 'istio.io/dataplane-mode';

/** Whether a namespace or a pod asks for ambient: sidecars are not what it wants, as ztunnel is to carry its traffic. */
export const wantsAmbient = (labels: Labels | undefined): boolean => labels?.[DATAPLANE] === 'ambient';

/** What istio-cni's agent writes on a pod whose connections it leads to ztunnel (cni/pkg/util/podutil.go). */
export const REDIRECTION = 'ambient.istio.io/redirection';

/** What of a pod decides whether it is enrolled. */
export interface Enrollable {
  namespace: string;
  labels: Labels;
  annotations: Readonly<Record<string, string>>;
  hostNetwork: boolean;
}

/** Pods of ambient, by their own labels and by those of their namespace; null for all. */
export interface EnablementSelector {
  pods: LabelSelector | null;
  namespaces: LabelSelector | null;
}

/** What istio-cni's agents are told. */
export interface EnrolmentSettings {
  selectors: readonly EnablementSelector[];
  /** Namespaces of which they take no pod. */
  excluded: readonly string[];
  /** Whether pods opt out by the annotation, as before 1.22; agents since write over it. */
  isAnnotationOptOut: boolean;
}

/** As the chart has them, and releases that know no selectors (manifests/charts/istio-cni/values.yaml). */
export const DEFAULT_ENROLMENT: EnrolmentSettings = {
  selectors: [
    { pods: { matchLabels: { [DATAPLANE]: 'ambient' } }, namespaces: null },
    {
      pods: { matchExpressions: [{ key: DATAPLANE, operator: 'NotIn', values: ['none'] }] },
      namespaces: { matchLabels: { [DATAPLANE]: 'ambient' } },
    },
  ],
  excluded: ['kube-system'],
  isAnnotationOptOut: false,
};

/** Why a pod that asks for ambient, or whose namespace does, is not enrolled. */
export type Exception = 'opted-out' | 'excluded-namespace' | 'host-network' | 'sidecar';

/** Whether a pod is enrolled: live, whenever it was created. `not-asked` where nobody asks for it. */
export type Enrolment = 'enrolled' | 'not-asked' | Exception;

/** A selector that says nothing selects everything. */
const fits = (selector: LabelSelector | null, labels: Labels): boolean =>
  selector === null || isEmpty(selector) || isSelected(selector, labels);

const isTaken = ({ labels }: Enrollable, namespace: Labels, { selectors }: EnrolmentSettings): boolean =>
  selectors.some((each) => fits(each.pods, labels) && fits(each.namespaces, namespace));

/** Whether a namespace asks for its pods: selectors that name no namespace do not count (MatchesNamespace). */
export const isNamespaceAsking = (namespace: Labels, { selectors }: EnrolmentSettings): boolean =>
  selectors.some((each) => each.namespaces && !isEmpty(each.namespaces) && isSelected(each.namespaces, namespace));

/**
 * What istio-cni's agent on the pod's node makes of it (cni/pkg/util/enablement_selector.go, Matches, and
 * cni/pkg/nodeagent/informers.go, reconcilePod). A sidecar is told by the injector's mark.
 */
export function enrolmentOf(pod: Enrollable, namespace: Labels, settings: EnrolmentSettings): Enrolment {
  if (!isTaken(pod, namespace, settings)) return isNamespaceAsking(namespace, settings) ? 'opted-out' : 'not-asked';
  if (settings.isAnnotationOptOut && pod.annotations[REDIRECTION] === 'disabled') return 'opted-out';
  if (settings.excluded.includes(pod.namespace)) return 'excluded-namespace';
  if (pod.hostNetwork) return 'host-network';
  return 'sidecar.istio.io/status' in pod.annotations ? 'sidecar' : 'enrolled';
}
