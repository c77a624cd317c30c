import { shellLine } from '../../../../cluster/question/shell.ts';
import { type Attempt, type ControlPlane, defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { type Bare, bareIn } from '../../../../evidence/istio/bare.ts';
import { hasProxy, type Injection, injection } from '../../../../evidence/istio/injection.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import { meshShares } from '../../../../evidence/istio/shares.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { isAmbient, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { wantsAmbient } from '../../../../istio/enrolment.ts';
import { INJECT, INJECTION, isCalledIn, REVISION, type Refusal, revisionsIn } from '../../../../istio/injection.ts';
import { labelTemplate, startAgain } from '../../../webhook-certs/asking.ts';

type Outside = 'NotAsked' | 'OptedOut' | 'HostNetwork' | 'Excepted';

const OF_REFUSAL: Record<Refusal, Outside> = {
  'opted-out': 'OptedOut',
  'host-network': 'HostNetwork',
  'never-selected': 'Excepted',
  policy: 'Excepted',
  'system-namespace': 'Excepted',
};

const WORDS: Record<Outside, string> = {
  NotAsked: 'nobody asks for one',
  OptedOut: `its template says ${INJECT}: "false"`,
  HostNetwork: 'it uses its node’s network, and no proxy can be injected there',
  Excepted: 'the injector’s settings except it',
};

function outsideBecause({ pod, refusal }: Bare): Outside {
  if (refusal !== null) return OF_REFUSAL[refusal];
  return [pod.labels[INJECT], pod.annotations[INJECT]].includes('false') ? 'OptedOut' : 'NotAsked';
}

/** The label by which a namespace is served here, the default revision’s before others. */
function labelFor({ webhooks }: Injection): string {
  if (webhooks.some((webhook) => isCalledIn(webhook, { [INJECTION]: 'enabled' }))) return `${INJECTION}=enabled`;
  const [revision] = revisionsIn(webhooks);
  return revision === undefined ? `${INJECTION}=enabled` : `${REVISION}=${revision}`;
}

/** What brings a pod in, and its successors. */
function bringIn(reason: Outside, pod: Pod, bare: Bare | undefined, seen: Attempt<Injection>): string {
  if (reason === 'OptedOut') return labelTemplate(pod, INJECT, 'true');
  if (reason === 'HostNetwork')
    return `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'jsonpath={.spec.hostNetwork}')}   # its callers’ proxies count what they send it`;
  const label = 'got' in seen ? labelFor(seen.got) : `${INJECTION}=enabled`;
  const named = shellLine('kubectl', 'label', '--overwrite', 'namespace', pod.namespace, label);
  const again = bare ? startAgain([bare]) : shellLine('kubectl', '-n', pod.namespace, 'delete', 'pod', pod.name);
  return reason === 'Excepted'
    ? labelTemplate(pod, INJECT, 'true')
    : `${named} && ${again}   # or label the template of this one: ${INJECT}=true`;
}

function bareOf(pod: Pod, seen: Attempt<Injection>, plane: ControlPlane): Bare | undefined {
  if ('missing' in seen) return undefined;
  const own = seen.got.pods.filter(({ namespace, name }) => namespace === pod.namespace && name === pod.name);
  return bareIn({ ...seen.got, pods: own }, plane)[0];
}

/** Whether a pod or its namespace has the label that asks for ambient. */
const asksForAmbient = (pod: Pod, bare: Bare | undefined): boolean => [pod.labels, bare?.namespace].some(wantsAmbient);

export const workloadInMesh = defineCheck({
  id: 'workload-in-mesh',
  about: 'workload',
  title: 'the workload is in the mesh',
  explains:
    'For the workload on the command line: whether its running pods have a proxy, or ztunnel carries their traffic. What is not meant to be in the mesh is not lost in a mesh; who names it misses its metrics, and is told the label to set.',
  reasons: {
    NoPods: 'No running pod belongs to the workload.',
    NotAsked: 'The workload’s pods have no proxy: neither they nor their namespace ask for one.',
    OptedOut: 'The workload’s pods say sidecar.istio.io/inject=false.',
    HostNetwork: 'The workload’s pods use their node’s network: the injector leaves them as they are.',
    Excepted: 'The injector’s settings, or Kubernetes’ own namespace, keep the workload’s pods without a proxy.',
  },
  needs: { narrowed, population, injection: attempt(injection), shares: attempt(meshShares) },
  judge({ narrowed, population, injection, shares }, { plane }) {
    if (!narrowed) return skip('no single workload was asked for');
    const { workload, pods, services } = narrowed;
    const name = `${workload.kind}/${workload.name}`;
    if (pods.length === 0) {
      if (workload.kind === 'job' || workload.kind === 'pod') return skip(`${name} runs no more, or not yet`);
      if (workload.kind === 'service' && services.every(({ selector }) => Object.keys(selector).length === 0))
        return skip(`${name} selects no pods: what is behind it is not Kubernetes’ to tell`);
      return {
        status: 'fail',
        reason: 'NoPods',
        message: `no running pod belongs to ${name} in ${workload.namespace}`,
        hint: shellLine('kubectl', '-n', workload.namespace, 'describe', workload.kind, workload.name),
      };
    }
    const isLost = new Set('got' in population.outsiders ? population.outsiders.got.map(({ pod }) => pod.name) : []);
    const mine = population.proxies.length;
    const outside = pods.filter(
      (pod) => proxyContainerOf(pod) === undefined && !hasProxy(pod) && !isAmbient(pod) && !isLost.has(pod.name),
    );
    const [first] = outside;
    const bare = first && bareOf(first, injection, plane);
    const isAllAmbient = 'got' in shares && shares.got?.sidecars === 0 && shares.got.ambient > 0;
    if (first && isAllAmbient && !bare?.asked)
      return skip(`no pod of this mesh has a sidecar: whether ${name} is in ambient is told there`);
    if (first && asksForAmbient(first, bare) && !bare?.asked)
      return skip(`${name} asks for ambient: whether it is there is told there`);
    if (first) {
      if ('missing' in population.outsiders && mine > 0)
        return unknown(
          [population.outsiders.missing],
          `whether ${outside.length} of ${pods.length} pods should have a proxy`,
        );
      const reason = bare ? outsideBecause(bare) : 'NotAsked';
      const subjects = subjectsOf(outside);
      const isUnlabelled = bare?.namespace[INJECTION] === undefined && bare?.namespace[REVISION] === undefined;
      return {
        status: 'fail',
        reason,
        message: `${outside.length} of ${count(pods.length, 'pod')} of ${name} ${outside.length === 1 ? 'has' : 'have'} no proxy: ${WORDS[reason]}`,
        evidence: [
          ...linesOf(subjects),
          ...(reason === 'NotAsked' && isUnlabelled ? ['istioctl analyze: IST0102 (NamespaceNotInjected)'] : []),
        ],
        subjects,
        hint: bringIn(reason, first, bare, injection),
      };
    }
    if (isLost.size > 0)
      return skip(
        `${isLost.size} of ${count(pods.length, 'pod')} of ${name} should have a proxy and have none: as above`,
      );
    if (mine > 0)
      return {
        status: 'pass',
        message: `${mine} of ${count(pods.length, 'pod')} of ${name} ${mine === 1 ? 'has' : 'have'} a proxy`,
      };
    if (pods.every(isAmbient)) return skip(`ztunnel carries the traffic of ${name}: no sidecar does`);
    return skip(
      population.envoyless.length > 0
        ? `no Envoy runs in the pods of ${name}: they can make none of Istio’s metrics`
        : `the proxies of ${name} are another control plane’s`,
    );
  },
});
