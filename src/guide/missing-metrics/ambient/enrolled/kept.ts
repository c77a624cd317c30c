import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Subject, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { AGENTS_MAP, agentSettings } from '../../../../evidence/ambient/settings.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { isRolledOut, linesOf, ownerOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { isNamespaceAsking, wantsAmbient } from '../../../../istio/enrolment.ts';
import { INJECT, INJECTION, isAsking, isEnabled, REVISION } from '../../../../istio/injection.ts';
import { editOwner, patchTemplate, restartOf } from '../../../templates.ts';

const names = (subjects: readonly Subject[]): string => some(subjects.map(titleOf));

type Labels = Readonly<Record<string, string>>;

/** Whether the namespace itself asks for sidecars and for ambient. */
const asksForBoth = (labels: Labels): boolean => isAsking(labels) && wantsAmbient(labels);

/** istioctl’s own code for a namespace that asks for both (pkg/config/analysis/analyzers/injection/injection.go). */
const analyzed = (pods: readonly Pod[], namespaces: ReadonlyMap<string, Labels>): readonly string[] =>
  pods
    .map(({ namespace }) => namespaces.get(namespace) ?? {})
    .some((labels) => isEnabled(labels) && asksForBoth(labels))
    ? ['istioctl analyze: IST0123 (NamespaceMultipleInjectionLabels)']
    : [];

/**
 * Takes away what asks for a sidecar: in the pod’s template where the pod itself asks for one of both, since its namespace’s
 * labels are others’ too; else each of the namespace’s labels that asks.
 */
function askForOne(pod: Pod, labels: Labels): string {
  if (pod.labels[INJECT] === 'true' || !asksForBoth(labels)) {
    const owner = ownerOf(pod);
    return isRolledOut(owner)
      ? patchTemplate(owner, { labels: { [INJECT]: 'false' } })
      : `${editOwner(pod)}   # the label ${INJECT}=false, of a new pod`;
  }
  const words = [...(isEnabled(labels) ? [INJECTION] : []), ...(labels[REVISION] === undefined ? [] : [REVISION])];
  return `${shellLine('kubectl', 'label', 'namespace', pod.namespace, ...words.map((word) => `${word}-`))} && ${restartOf([pod])}`;
}

export const sidecarsGiveWay = defineCheck({
  id: 'sidecars-give-way',
  title: 'no sidecar keeps a pod out of ambient that asks for it',
  explains:
    'A pod with a sidecar is not enrolled, whatever its labels say: its sidecar makes its metrics, as before. Where its namespace asks for ambient and no longer for sidecars the migration is half done: the pod keeps its sidecar until it is made anew. Where the namespace asks for both, new pods get a sidecar.',
  reasons: {
    MigrationHalfDone: 'These pods still have the sidecar of before; their namespace asks for ambient now.',
    AsksForBoth: 'These pods, or their namespaces, ask for sidecars and for ambient: new pods get a sidecar.',
  },
  needs: { enrolled },
  judge({ enrolled: { members, kept, namespaces } }): Verdict {
    const pods = kept.filter(({ by }) => by === 'sidecar').map(({ pod }) => pod);
    if (pods.length === 0 && members.length === 0) return skip('no pod asks for ambient');
    if (pods.length === 0) return { status: 'pass', message: `${count(members.length, 'pod')}, none with a sidecar` };
    const wantsBoth = ({ namespace, labels }: Pod): boolean =>
      isAsking(namespaces.get(namespace) ?? {}) || labels[INJECT] === 'true';
    const both = pods.filter(wantsBoth);
    const own = both.length > 0 ? both : pods;
    const subjects = subjectsOf(own);
    const [first, ...rest] = own;
    const isOfNamespaces = own.every(({ namespace }) => asksForBoth(namespaces.get(namespace) ?? {}));
    return both.length > 0
      ? {
          status: 'warn',
          reason: 'AsksForBoth',
          message: `${count(own.length, 'pod')} ${isOfNamespaces ? 'of namespaces that ask for both' : 'for which both are asked'} ${own.length === 1 ? 'has' : 'have'} a sidecar, which wins: ${names(subjects)}`,
          evidence: [...linesOf(subjects), ...analyzed(own, namespaces)],
          subjects,
          hint: first ? askForOne(first, namespaces.get(first.namespace) ?? {}) : '',
        }
      : {
          status: 'warn',
          reason: 'MigrationHalfDone',
          message: `${count(own.length, 'pod')} that ${own.length === 1 ? 'asks' : 'ask'} for ambient still ${own.length === 1 ? 'has a sidecar, which counts for it' : 'have sidecars, which count for them'}: ${names(subjects)}`,
          evidence: linesOf(subjects),
          subjects,
          hint: first ? restartOf([first, ...rest]) : '',
        };
  },
});

/** Shows what istio-cni’s agents are told. */
export const lookAtSettings = (namespace: string | null): string =>
  shellLine('kubectl', '-n', namespace ?? 'istio-system', 'get', 'configmap', AGENTS_MAP, '-o', 'yaml');

export const namespacesAreTaken = defineCheck({
  id: 'namespaces-are-taken',
  title: 'the agents take pods of every namespace that asks',
  explains: `istio-cni’s agents leave out whole namespaces (excludeNamespaces, in the ConfigMap ${AGENTS_MAP}; kube-system where nobody says otherwise), and may be told to go by other labels than Istio’s (ambient.enablementSelectors); they enrol nobody at all where they were installed for sidecars alone (AMBIENT_ENABLED: "false"). Pods on their node’s network cannot be enrolled, and a pod may say that it wants none: neither is lost.`,
  reasons: {
    NamespaceExcluded: 'The namespace asks for ambient, and the agents are told to leave it out.',
    NamespaceNotSelected:
      'The namespace has the label that asks for ambient, and the agents are told to go by others (AMBIENT_ENABLEMENT_SELECTOR).',
    AmbientOff: 'istio-cni is installed for sidecars alone: its agents enrol no pod.',
  },
  needs: { enrolled, settings: attempt(agentSettings) },
  judge({ enrolled: { members, kept, namespaces }, settings }, { scope }): Verdict {
    const only = scope.workload?.namespace ?? scope.namespace;
    const asking = [...namespaces].filter(([name, labels]) => wantsAmbient(labels) && (only === null || only === name));
    if ('got' in settings && !settings.got.isAmbient) {
      if (asking.length > 0)
        return {
          status: 'fail',
          reason: 'AmbientOff',
          message: `${some(asking.map(([name]) => name))} ${asking.length === 1 ? 'asks' : 'ask'} for ambient, and istio-cni says AMBIENT_ENABLED: "false"`,
          hint: `${lookAtSettings(settings.got.namespace)}   # install istio-cni with ambient.enabled=true (profile ambient)`,
        };
    }
    const taken = new Set(members.map(({ pod }) => pod.namespace));
    const unselected =
      'got' in settings
        ? asking.filter(([name, labels]) => !taken.has(name) && !isNamespaceAsking(labels, settings.got))
        : [];
    if ('got' in settings && unselected.length > 0)
      return {
        status: 'warn',
        reason: 'NamespaceNotSelected',
        message: `${some(unselected.map(([name]) => name))} ${unselected.length === 1 ? 'asks' : 'ask'} for ambient by a label that the agents do not go by`,
        hint: `${lookAtSettings(settings.got.namespace)}   # AMBIENT_ENABLEMENT_SELECTOR, by the chart’s ambient.enablementSelectors`,
      };
    const excluded = kept.filter(({ by }) => by === 'excluded-namespace').map(({ pod }) => pod);
    const left = 'got' in settings ? asking.filter(([name]) => settings.got.excluded.includes(name)) : [];
    const toExclusions = `${lookAtSettings('got' in settings ? settings.got.namespace : null)}   # EXCLUDE_NAMESPACES, by the chart’s excludeNamespaces`;
    const others = kept.filter(({ by }) => by === 'host-network' || by === 'opted-out').map(({ pod }) => pod);
    if (excluded.length > 0) {
      const subjects = subjectsOf(excluded);
      return {
        status: 'warn',
        reason: 'NamespaceExcluded',
        message: `${count(excluded.length, 'pod')} of ${some([...new Set(excluded.map(({ namespace }) => namespace))])} ask for ambient, and the agents exclude the namespace`,
        evidence: linesOf(subjects),
        subjects,
        hint: toExclusions,
      };
    }
    if (left.length > 0)
      return {
        status: 'warn',
        reason: 'NamespaceExcluded',
        message: `${some(left.map(([name]) => name))} ${left.length === 1 ? 'asks' : 'ask'} for ambient, and the agents exclude ${left.length === 1 ? 'it' : 'them'}`,
        hint: toExclusions,
      };
    if ('missing' in settings && members.length + asking.length > 0)
      return unknown([settings.missing], 'whether the agents take what asks for ambient');
    const outside =
      others.length > 0 &&
      `${count(others.length, 'pod')} on the node’s network, or opted out: outside, as they were meant to be`;
    return {
      ...(asking.length === 0
        ? skip(outside || 'nobody is left out')
        : {
            status: 'pass',
            message: `${count(asking.length, 'namespace')} ${asking.length === 1 ? 'that asks is' : 'that ask are'} taken${outside ? `; ${outside}` : ''}`,
          }),
      ...(outside && { evidence: linesOf(subjectsOf(others)), subjects: subjectsOf(others) }),
    };
  },
});
