import { isAtLeast } from './release.ts';
import { isSelected, type LabelSelector } from './selector.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Whether Kubernetes takes the selector: operators that compare need values, the others may have none. */
const isValid = ({ matchExpressions }: LabelSelector): boolean =>
  (matchExpressions ?? []).every(
    ({ operator = '', values }) =>
      OPERATORS.includes(operator) && /^(Not)?In$/.test(operator) === (values ?? []).length > 0,
  );

/**
 * Whether istiod looks at a namespace at all, by MeshConfig's discoverySelectors: one of them has to fit; where there are none it
 * looks at each, its own is no exception. It takes none of them where one is not valid (pkg/kube/namespace/filter.go, selectorsChanged).
 */
export const isDiscovered = (selectors: readonly LabelSelector[], labels: Readonly<Record<string, string>>): boolean =>
  selectors.length === 0 || !selectors.every(isValid) || selectors.some((each) => isSelected(each, labels));

/**
 * From this release on istiod leaves out Istio’s own objects of such namespaces too, unless its variable ENABLE_ENHANCED_RESOURCE_SCOPING
 * says otherwise, as it may before (upgrade notes of 1.22; pilot/pkg/config/kube/crdclient).
 */
export const leavesOutObjects = (release: string | null, variable: string | undefined): boolean =>
  variable === undefined ? release === null || isAtLeast(release, '1.22') : /^(1|t|true)$/i.test(variable);
