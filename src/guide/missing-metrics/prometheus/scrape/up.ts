import type { Attempt, Check, Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some } from '../../../../diagnosis/verdict.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { ownerOf } from '../../../../evidence/kubernetes/owner.ts';
import { isAmbient, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import { type Barred, barredProxies } from '../../../../evidence/prometheus/barred.ts';
import { proxyScraping, type Scraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Target } from '../../../../evidence/prometheus/targets.ts';
import { DATAPLANE } from '../../../../istio/enrolment.ts';
import { TUNNEL } from '../../../../istio/injection.ts';
import {
  type Family,
  familyOf,
  shortened,
  TROUBLES,
  type Trouble,
  troubleOf,
} from '../../../../scraping/last-error.ts';
import { patchTemplate } from '../../../templates.ts';
import { PROXY_EMITS, SCRAPE } from '../../steps.ts';
import { isForLocalhost } from './localhost.ts';
import { about, nothingAbout, partOf } from './scope.ts';
import { hintFor, MEANS, mixesProtobuf } from './troubles.ts';

interface Down {
  pod: Pod;
  /** Null where the store knows no targets. */
  target: Target | null;
  trouble: Trouble;
}

/** Proxies none of whose targets is up, and none is still to be scraped, in the order of pods: a server's own changes. */
function downIn({ pods, targeted, targets, up }: Scraping): readonly Down[] {
  return pods.flatMap((pod): Down[] => {
    if (!targeted.has(pod) || up.has(pod)) return [];
    const own = targets.get(pod) ?? [];
    if (own.length === 0) return [{ pod, target: null, trouble: 'TargetDown' }];
    if (own.some(({ health }) => health !== 'down')) return [];
    // The agent's port has all; of others that are down beside it there may be reasons.
    const [target] = [...own].sort((a, b) => Number(/:15020\//.test(b.url)) - Number(/:15020\//.test(a.url)));
    return target ? [{ pod, target, trouble: troubleOf(target.lastError) }] : [];
  });
}

function wordsOf({ pod, target, trouble }: Down): string {
  if (trouble === 'PageInvalid' && mixesProtobuf(pod))
    return 'Istio 1.30.0 to 1.30.2 mixes protobuf into the page that it merges';
  if (target === null) return 'scrapes fail; the store does not tell why';
  return shortened(target.lastError).replace(/\s+/g, ' ').slice(0, 120);
}

interface Evidence {
  scraping: Scraping;
  barred: Attempt<Barred>;
}

interface Told {
  id: string;
  title: string;
  explains: string;
}

const CHECKS: Readonly<Record<Family, Told>> = {
  way: {
    id: 'proxies-answer-prometheus',
    title: 'Prometheus reaches every proxy that is a target',
    explains:
      'Targets that are down since no connection brings an answer, by Prometheus’ own lastError: refused, reset, closed, timed out, no route, TLS. A proxy with another target that is up is not counted, nor is one that has finished. Where scrapes time out, NetworkPolicies that select the pod and admit Prometheus nowhere are named.',
  },
  answer: {
    id: 'proxies-serve-metrics',
    title: 'every proxy answers Prometheus with its page',
    explains:
      'Targets that answer with an HTTP status instead of a page: 401 and 403 (METRICS_LOCALHOST_ACCESS_ONLY, an AuthorizationPolicy), 404 (another path), 502 to 504, others.',
  },
  page: {
    id: 'pages-are-readable',
    title: 'Prometheus can read the pages of the proxies',
    explains:
      'Targets whose page Prometheus refuses as a whole: no text format, or a Content-Type that Prometheus 3 does not take. What an application exports is merged into its proxy’s page, and one bad line loses all of it.',
  },
  limit: {
    id: 'pages-fit-limits',
    title: 'the pages of the proxies fit Prometheus’ limits',
    explains:
      'Targets whose page exceeds a limit of the job, or of the Prometheus object (enforcedSampleLimit and the like): samples, bytes, labels, targets. Prometheus throws the whole page away.',
  },
};

/** Whether proxies that are targets lose their metrics to troubles of one family. */
const upCheck = (family: Family): Check<Evidence> => ({
  ...CHECKS[family],
  reasons: {
    ...Object.fromEntries(TROUBLES[family].map((trouble) => [trouble, MEANS[trouble]])),
    ...(family === 'way' && {
      NetworkPolicyBars: 'NetworkPolicies select the pod, and none of them admits Prometheus at the port of its page.',
      AskedThroughZtunnel:
        'Prometheus is in ambient, its ztunnel tunnels to sidecars that have the label networking.istio.io/tunnel=http, and those that have it do not lead tunnels to the port of their page.',
    }),
  },
  needs: { scraping: proxyScraping, barred: attempt(barredProxies) },
  judge({ scraping, barred }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    if (scraping.targeted.size === 0) return skip('no proxy is a target');
    if (family !== 'way' && scraping.isBySeries)
      return skip('only the Prometheus that scrapes knows the words of a failure');
    const own = downIn(scraping).filter(({ trouble }) => familyOf(trouble) === family);
    const groups = new Map<Trouble, Down[]>();
    for (const each of own) {
      const known = groups.get(each.trouble);
      if (known) known.push(each);
      else groups.set(each.trouble, [each]);
    }
    const [largest, ...others] = [...groups.values()].sort((a, b) => b.length - a.length);
    const [first] = largest ?? [];
    if (!largest || !first) {
      const targets = scraping.targeted.size;
      return {
        status: 'pass',
        message: `${count(targets, 'proxy', 'proxies')} that ${targets === 1 ? 'is a target' : 'are targets'}`,
      };
    }
    const unready = largest.filter(({ pod }) => !pod.ready).length;
    const policies = policiesIn(largest, barred);
    const through = policies.length === 0 && family === 'way' ? ambientServer(largest, scraping) : null;
    const message = `${partOf(
      largest.map(({ pod }) => pod),
      scraping,
    )}: ${wordsOf(first)}${unready > 0 ? `; ${unready} of them not ready` : ''}`;
    const seen = [
      ...(through ? [`Prometheus’ pod ${titleOf(through)} is in ambient: ztunnel opens its connections`] : []),
      ...(first.target ? [`${first.target.url}: ${first.target.lastError}`.slice(0, 300)] : []),
      ...policies.map((policy) => `NetworkPolicy ${policy} admits Prometheus at no such port`),
      ...others.flatMap(([each, ...more]) => (each ? [`${more.length + 1} more: ${wordsOf(each)}`] : [])),
    ];
    return {
      status: 'fail',
      reason: policies.length > 0 ? 'NetworkPolicyBars' : through ? 'AskedThroughZtunnel' : first.trouble,
      message: policies.length > 0 ? `${message}; barred by NetworkPolicy ${some(policies)}` : message,
      hint: through
        ? `${patchTemplate(ownerOf(through), { labels: { [DATAPLANE]: 'none' } })}   # keeps Prometheus out of ambient; where an operator makes its pods, that label in podMetadata of the Prometheus object`
        : hintFor(first.trouble, first.pod, first.target, scraping),
      mayFollowFrom: explainedBy(largest),
      ...about(
        own.map(({ pod }) => pod),
        ...seen,
      ),
    };
  },
});

export const proxiesAnswer = upCheck('way');
export const proxiesServe = upCheck('answer');
export const pagesAreReadable = upCheck('page');
export const pagesFitLimits = upCheck('limit');

/** What explains it already: the check of METRICS_LOCALHOST_ACCESS_ONLY, or that of what proxies write on their pages. */
function explainedBy(down: readonly Down[]): readonly string[] {
  if (down.every(({ pod }) => isForLocalhost(pod))) return [SCRAPE];
  return down.every(({ pod, trouble }) => trouble === 'PageInvalid' && !mixesProtobuf(pod)) ? [PROXY_EMITS] : [];
}

/** Whether ztunnels tunnel to its sidecar. */
const takesTunnels = ({ labels, annotations }: Pod): boolean =>
  'sidecar.istio.io/status' in annotations && labels[TUNNEL] === 'http';

/**
 * The pod of a Prometheus in ambient, where what it does not reach are sidecars that are said to take tunnels, and it reaches none
 * of those: ztunnel opens its connections, and ends them where the tunnel leads nowhere.
 */
const ambientServer = (down: readonly Down[], { serverPods, up }: Scraping): Pod | null =>
  down.every(
    ({ pod, trouble }) => takesTunnels(pod) && (trouble === 'ConnectionReset' || trouble === 'ClosedUnanswered'),
  ) && ![...up].some(takesTunnels)
    ? (serverPods.find(isAmbient) ?? null)
    : null;

/** The NetworkPolicies that bar Prometheus from some of them, three at most. */
function policiesIn(down: readonly Down[], barred: Attempt<Barred>): readonly string[] {
  if ('missing' in barred || down[0]?.trouble !== 'ScrapeTimedOut') return [];
  const names = down.flatMap(({ pod }) =>
    (barred.got.get(pod) ?? []).map(({ namespace, name }) => `${namespace}/${name}`),
  );
  return [...new Set(names)].slice(0, 3);
}
