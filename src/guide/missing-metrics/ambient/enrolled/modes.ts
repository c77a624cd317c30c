import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { allNamespaces, allPods } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { isRunning } from '../../../../evidence/kubernetes/pod.ts';
import { DATAPLANE, wantsAmbient } from '../../../../istio/enrolment.ts';

/** Whether a value was meant to say ambient, and does not. */
const isSlip = (mode: string | undefined): boolean =>
  mode !== undefined && mode !== 'ambient' && /^(ambient|enabled|true|on|ztunnel)$/i.test(mode.trim());

export const modesAreKnown = defineCheck({
  id: 'modes-are-known',
  title: `each ${DATAPLANE} says what Istio knows`,
  explains: `Istio knows ${DATAPLANE}=ambient and none, in these letters. Any other value asks for nothing on a namespace, and keeps nobody out on a pod.`,
  reasons: { ModeUnknown: `A label ${DATAPLANE} was meant to ask for ambient, and does not say so.` },
  needs: { namespaces: attempt(allNamespaces), pods: allPods },
  judge({ namespaces, pods }, { scope }): Verdict {
    const namespace = scope.workload?.namespace ?? scope.namespace;
    if ('missing' in namespaces) return unknown([namespaces.missing], 'how namespaces are labelled');
    const asked = namespaces.got.items.filter(({ name }) => namespace === null || name === namespace);
    const places = asked.filter(({ labels }) => isSlip(labels[DATAPLANE]));
    const own = pods.items.filter(
      (pod) => (namespace === null || pod.namespace === namespace) && isRunning(pod) && isSlip(pod.labels[DATAPLANE]),
    );
    const [place] = places;
    const [pod] = own;
    if (place || pod)
      return {
        status: 'warn',
        reason: 'ModeUnknown',
        message: `${DATAPLANE}=${(place ?? pod)?.labels[DATAPLANE]} asks for nothing: ${some([...places.map(({ name }) => `namespace ${name}`), ...own.map((each) => `pod ${titleOf(each)}`)])}`,
        hint: place
          ? shellLine('kubectl', 'label', '--overwrite', 'namespace', place.name, `${DATAPLANE}=ambient`)
          : shellLine(
              'kubectl',
              '-n',
              pod?.namespace ?? '',
              'label',
              '--overwrite',
              'pod',
              pod?.name ?? '',
              `${DATAPLANE}=ambient`,
            ),
      };
    const asking = asked.filter(({ labels }) => wantsAmbient(labels));
    if (asking.length === 0) return skip('no namespace asks for ambient');
    return {
      status: 'pass',
      message: `${count(asking.length, 'namespace')} ${asking.length === 1 ? 'asks' : 'ask'} for ambient`,
    };
  },
});
