import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Bare, isUnread } from '../../../../evidence/istio/bare.ts';
import { type Population, population } from '../../../../evidence/istio/population.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { isEnabled } from '../../../../istio/injection.ts';
import { startAgain } from '../../../webhook-certs/asking.ts';

/** Where nothing of this mesh has a proxy, and nothing should have one. */
export const NOBODY = 'no pod has a proxy of this control plane’s, and none should have one';

/** How many pods are in this mesh, or should be. */
export const sizeOf = ({ proxies, outsiders }: Population): number =>
  proxies.length + ('got' in outsiders ? outsiders.got.length : 0);

/** Whether every webhook that would take it now was made after it started. */
const isOlder = ({ pod, called }: Bare): boolean =>
  pod.startedAt !== null && called.every(({ createdAt }) => pod.startedAt !== null && pod.startedAt < createdAt);

/** istioctl’s own code for a namespace with a pod like these (pkg/config/analysis/analyzers/injection/injection.go). */
export const analyzed = (pods: readonly Bare[]): readonly string[] =>
  pods.some(({ namespace }) => isEnabled(namespace)) ? ['istioctl analyze: IST0103 (PodMissingProxy)'] : [];

export const podsAreInjected = defineCheck({
  id: 'pods-are-injected',
  title: 'each pod that a webhook takes has a proxy',
  explains:
    'Holds every running pod against the selectors of Istio’s injection webhooks, and what the injector behind them is told, as both decide when a pod is created. A pod that would get a proxy now and has none was created before: its requests are counted by the other side’s proxy at most. Pods that are excepted by a word of their own, by hostNetwork or by the injector’s settings are not lost. When a namespace was labelled nobody writes down; when a webhook was made is known.',
  reasons: {
    CreatedBefore:
      'Pods would get a proxy now and have none: they were created before the label, or while the webhook could not be called and let them pass.',
    OlderThanWebhook: 'Pods would get a proxy now and have none: they are older than the webhook.',
  },
  needs: { population },
  judge({ population: all }) {
    if ('missing' in all.outsiders) return unknown([all.outsiders.missing], 'which pods should have a proxy');
    const taken = all.outsiders.got.filter(({ called }) => called.length > 0);
    const sure = taken.filter((bare) => !isUnread(bare));
    if (isSome(sure)) {
      const [first, ...rest] = sure;
      const isOld = sure.every(isOlder);
      const subjects = subjectsOf(sure.map(({ pod }) => pod));
      const why = isOld
        ? 'older than the webhook'
        : 'created before the label, or while the webhook could not be called';
      return {
        status: 'fail',
        reason: isOld ? 'OlderThanWebhook' : 'CreatedBefore',
        message: `${sure.length} of ${count(sizeOf(all), 'pod')} without a proxy that ${sure.length === 1 ? 'it' : 'they'} would get now, ${why}: ${some(subjects.map(({ namespace, name }) => `${namespace}/${name}`))}`,
        evidence: [...linesOf(subjects), ...analyzed(sure)],
        subjects,
        hint: startAgain([first, ...rest]),
      };
    }
    const unread = taken.flatMap(({ called }) => called.flatMap(({ missing }) => missing ?? []));
    if (isSome(unread)) return unknown(unread, `whether the injector’s settings except ${count(taken.length, 'pod')}`);
    if (all.refusal) return unknown([all.refusal], 'not every pod could be looked at');
    if (sizeOf(all) === 0) return skip(NOBODY);
    const gateways = all.proxies.filter(({ kind }) => kind === 'gateway').length;
    return {
      status: 'pass',
      message: `${count(all.proxies.length - gateways, 'sidecar')}${gateways > 0 ? ` and ${count(gateways, 'gateway')}` : ''}; a webhook would take no other pod`,
    };
  },
});

export const proxiesRunEnvoy = defineCheck({
  id: 'proxies-run-envoy',
  title: 'each proxy runs an Envoy',
  explains:
    'A container called istio-proxy may run Istio’s agent alone: for gRPC without a proxy (the templates grpc-agent and grpc-simple, DISABLE_ENVOY), or to fetch certificates for another Envoy beside it, as kgateway has it. Such a pod makes no istio_requests_total, and is left out of every step that asks for it.',
  reasons: {},
  needs: { population },
  judge({ population: { envoyless, proxies } }) {
    if (envoyless.length === 0)
      return proxies.length === 0
        ? skip('no pod has a proxy')
        : { status: 'pass', message: `${count(proxies.length, 'proxy', 'proxies')}, each with an Envoy` };
    const subjects = subjectsOf(envoyless);
    return {
      status: 'skip',
      message: `${count(envoyless.length, 'pod')} without an Envoy can make none of Istio’s metrics: ${some(subjects.map(({ namespace, name }) => `${namespace}/${name}`))}`,
      evidence: linesOf(subjects),
      subjects,
    };
  },
});
