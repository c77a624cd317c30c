import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, isSome, skip } from '../../../../diagnosis/verdict.ts';
import { logLine } from '../../../../evidence/envoy/asked.ts';
import { emission, type ReadProxy } from '../../../../evidence/envoy/emission.ts';
import type { MetricsPage } from '../../../../evidence/envoy/metrics-page.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { CONFIG_DELIVERY, TELEMETRY_CONFIG } from '../steps.ts';
import { inState, likeThose, ofAll, seenOf, unaskedIn } from './seen.ts';

/** Envoy refused listeners: those that it has, if any, are older. */
const hasRefused = ({ refused }: MetricsPage): boolean => (refused ?? 0) > 0;

/** Envoy waits for its first configuration: it is not live, or took no listeners yet. */
const isWaiting = ({ state, taken }: MetricsPage): boolean => (state ?? 0) > 1 || taken === 0;

/** Whether the page says why no stats filter is loaded: the configuration that holds it was not taken. */
export const hasNoConfiguration = (page: MetricsPage): boolean => hasRefused(page) || isWaiting(page);

/** The agent's page of an Envoy whose own port is closed: it opens with the first configuration. */
function pageWithoutEnvoy({ merged, own }: ReadProxy): MetricsPage | null {
  const isClosed = own !== null && 'missing' in own && own.missing.hindrance === 'ConnectionRefused';
  return isClosed && 'got' in merged && merged.got.parts.agent && !merged.got.parts.envoy ? merged.got : null;
}

export const configurationTaken = defineCheck({
  id: 'proxies-took-listeners',
  title: 'proxies without Istio’s metrics have taken their listeners',
  explains:
    'Reads what Envoy counts of its listeners on the pages of proxies that no store has. One without the stats filter that refused listeners, or never had any, lacks the filter for that reason, whatever is configured.',
  reasons: {
    ListenersRefused:
      'Envoy refused listeners since it started, and none that it has makes Istio’s metrics: its log says which part it does not know.',
    EnvoyNotServing:
      'The agent runs and nothing listens on Envoy’s own port: Envoy has ended, or was never configured, as its agent’s log says.',
    NeverConfigured: 'Envoy waits for its first configuration: it makes no metrics, and serves nothing.',
  },
  needs: { emission },
  judge({ emission }) {
    const seen = emission.asked.map(seenOf);
    const unloaded = inState(seen, 'not loaded');
    const refusing = unloaded.filter(({ page }) => hasRefused(page));
    const waiting = unloaded.filter(({ page }) => !hasRefused(page) && isWaiting(page));
    const closed = inState(seen, 'unread').flatMap(({ proxy }) => {
      const page = pageWithoutEnvoy(proxy);
      return page ? [{ proxy, page }] : [];
    });
    const found = [refusing, waiting, closed].find(isSome) ?? [];
    const [first] = found;
    if (!first && unloaded.length === 0) return skip('no page is without Istio’s metrics');
    if (!first)
      return {
        status: 'pass',
        message: `${count(unloaded.length, 'proxy', 'proxies')} without the stats filter took their listeners`,
      };
    const pods = likeThose(
      emission,
      found.map(({ proxy }) => proxy),
    );
    const subjects = subjectsOf(pods);
    const number = pods.length;
    const [reason, words] =
      found === refusing
        ? ['ListenersRefused', `refused listeners, and ${number === 1 ? 'has' : 'have'} no stats filter`]
        : found === waiting
          ? ['NeverConfigured', 'never had a configuration']
          : ['EnvoyNotServing', `${number === 1 ? 'has' : 'have'} an Envoy that serves no page`];
    return {
      status: 'fail',
      reason,
      message: `${ofAll(number, emission)} ${words}${unaskedIn(emission)}`,
      evidence: [...linesOf(subjects), ...first.page.lines.slice(0, 10)],
      subjects,
      hint: `${logLine(first.proxy)} | grep -iE 'reject|refus|fail|config received|unable to create|registered implementation'`,
      mayFollowFrom: [TELEMETRY_CONFIG, CONFIG_DELIVERY],
    };
  },
});
