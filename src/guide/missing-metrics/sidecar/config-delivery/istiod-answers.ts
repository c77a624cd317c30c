import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, some, unknown } from '../../../../diagnosis/verdict.ts';
import { firstSyncs, isReady, pilots } from '../../../../evidence/istio/pilot.ts';
import { injectors, type Webhook } from '../../../../evidence/istio/webhooks.ts';
import { allPods, allServices } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Service } from '../../../../evidence/kubernetes/service.ts';
import { ofOwn } from './connected.ts';

/** Delivery as such is another topic's: it says which replica, which proxy, why. */
export const ELSEWHERE = 'kubectl istio-diag pilot-connectivity';

/** Where a webhook leads that no pod of this cluster answers: a URL, or a Service with endpoints of somebody's own. */
function outside(webhooks: readonly Webhook[], services: readonly Service[]): string | null {
  for (const { url, service } of webhooks) {
    if (url !== null) return url;
    const found = services.find(({ name, namespace }) => name === service?.name && namespace === service.namespace);
    if (found && (found.external || Object.keys(found.selector).length === 0)) return `Service ${titleOf(found)}`;
  }
  return null;
}

export const istiodAnswers = defineCheck({
  id: 'istiod-answers',
  title: 'istiod runs here, and tells what it sent to whom',
  explains:
    'Looks for the replicas of istiod and asks each for /debug/syncz. One that is down does not take metrics away: proxies keep what they had, and only new ones get nothing. A control plane outside of this cluster, or one whose debug pages are off, cannot be asked.',
  reasons: {
    IstiodElsewhere: 'The control plane is in another cluster: what it sent to whom cannot be seen from this one.',
    IstiodMissing:
      'No istiod runs where this mesh has its control plane: proxies keep what they have, new ones get nothing.',
    IstiodNotReady: 'Not every replica of istiod is ready: proxies keep what they have.',
  },
  needs: { pilots, syncs: firstSyncs, webhooks: attempt(injectors), services: allServices, pods: allPods },
  judge({ pilots, syncs, webhooks, services, pods }, { plane }) {
    if (pilots.length === 0) {
      const leads = 'got' in webhooks ? outside(webhooks.got, services.items) : null;
      if (plane.namespace === null || leads !== null)
        return {
          status: 'unknown',
          reason: 'IstiodElsewhere',
          message: `the control plane is outside of this cluster${leads === null ? '' : `: its webhook leads to ${leads}`}; what it delivered cannot be seen here`,
          missing: [],
        };
      if (pods.refusal) return unknown([pods.refusal], 'not every pod could be seen');
      if ('missing' in webhooks)
        return unknown([webhooks.missing], `no pod of istiod in ${plane.namespace}, and it may be in another cluster`);
      return {
        status: 'warn',
        reason: 'IstiodMissing',
        message: `no pod of istiod in ${plane.namespace}`,
        hint: ELSEWHERE,
      };
    }
    const evidence = pilots.map(({ pod }) => `${titleOf(pod)}: ${pod.ready ? 'ready' : (pod.trouble ?? pod.phase)}`);
    const ready = pilots.filter(isReady);
    if (ready.length < pilots.length)
      return {
        status: 'warn',
        reason: 'IstiodNotReady',
        message: `${ready.length} of ${count(pilots.length, 'replica')} ready`,
        evidence,
        hint: ELSEWHERE,
      };
    const { got, missing } = ofOwn(syncs, pilots);
    if (isSome(missing)) {
      // Nothing else answers 404 there.
      const isOff = missing.every(({ words }) => /^HTTP 404\b/.test(words));
      const these = `${missing.length} of ${count(pilots.length, 'replica')}`;
      return unknown(
        missing,
        isOff ? `debug pages are off on ${these} (ENABLE_DEBUG_ON_HTTP)` : `${these} could not be asked`,
      );
    }
    return {
      status: 'pass',
      message: `${some(ready.map(({ pod }) => pod.name))}: ${count(got.flat().length, 'proxy', 'proxies')} connected`,
      evidence,
    };
  },
});
