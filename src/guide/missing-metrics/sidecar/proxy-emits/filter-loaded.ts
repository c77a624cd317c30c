import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { adminLine, nameOf } from '../../../../evidence/envoy/asked.ts';
import { type Emission, emission } from '../../../../evidence/envoy/emission.ts';
import { type Pilot, pilots } from '../../../../evidence/istio/pilot.ts';
import type { Proxy as MeshProxy } from '../../../../evidence/istio/population.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { CONFIG_DELIVERY, PROXY_EMITS, TELEMETRY_CONFIG } from '../steps.ts';
import { hasNoConfiguration } from './configuration-taken.ts';
import { inState, isIdleGateway, likeThose, ofAll, type Seen, seenOf, suspectsOf, unaskedIn } from './seen.ts';

/**
 * Whether a proxy forgets series that stand still, `istio_build` among them: the filter writes it once (istio/proxy,
 * istio_stats.cc: a scope that is rotated away takes it along; 1.18 to 1.27 by istiod's switch, 1.28 and newer by the pod's).
 */
const forgets = ({ pod }: MeshProxy, pilots: readonly Pilot[]): boolean =>
  pod.annotations['sidecar.istio.io/statsEvictionInterval'] !== undefined ||
  /statsEvictionInterval/.test(pod.annotations['proxy.istio.io/config'] ?? '') ||
  pilots.some(({ pod: { containers } }) =>
    containers.some(({ variables }) => !/^(0m?s?)?$/.test(variables.METRIC_ROTATION_INTERVAL ?? '')),
  );

type NotLoaded = Extract<Seen, { state: 'not loaded' }>;

function notLoaded(found: readonly [NotLoaded, ...NotLoaded[]], emission: Emission): Verdict {
  const [first] = found;
  const pods = likeThose(
    emission,
    found.map(({ proxy }) => proxy),
  );
  const subjects = subjectsOf(pods);
  const number = pods.length;
  // What its listeners say explains it: said by the check before.
  const own = hasNoConfiguration(first.page) ? [PROXY_EMITS] : [];
  return {
    status: 'fail',
    reason: 'FilterNotLoaded',
    message: `${ofAll(number, emission)} ${number === 1 ? 'has' : 'have'} no stats filter: no istio_build on ${number === 1 ? 'its page' : 'their pages'}${unaskedIn(emission)}`,
    evidence: [...linesOf(subjects), `the page of ${nameOf(first.proxy)}, without istio_build:`, ...first.page.lines],
    subjects,
    hint: `${adminLine(first.proxy, 'config_dump')} | grep -cE 'istio.stats|wasm.stats'   # 0: istiod does not send the filter`,
    mayFollowFrom: [TELEMETRY_CONFIG, CONFIG_DELIVERY, ...own],
  };
}

export const filterLoaded = defineCheck({
  id: 'stats-filter-loaded',
  title: 'every proxy has the stats filter loaded',
  explains:
    'The stats filter makes istio_build{component="proxy"} when it is loaded, traffic or not. Looks for it in every Prometheus at once; of proxies that none has, reads the pages of a few (--sample, one of each owner first) and of one that a store has: the agent’s on 15020, Envoy’s on 15090, or Envoy’s through the agent’s command. A page that has it proves that it is lost later.',
  reasons: {
    FilterNotLoaded:
      'Envoy’s page is there and Istio’s metrics are not on it: no configuration with the stats filter ever reached this proxy.',
    SeriesForgotten:
      'The proxy forgets series that stand still: that istio_build is not on its page proves nothing while there is no traffic.',
    NoPageRead: 'No store has the proxy, and with --sample 0 no page is read.',
    NotAllRead:
      'Not every store could be asked, or there is none, and only the pages of a few proxies were read: what the others make is not known.',
    PagesContradict: 'A proxy whose series are stored shows none on its page: its pages cannot be believed.',
  },
  needs: { emission, pilots },
  judge({ emission, pilots }) {
    const { judged, young, stores, asked, control, refusal } = emission;
    const later = young > 0 ? `; ${young} younger than a minute` : '';
    if (judged.length === 0)
      return refusal ? unknown([refusal], 'the proxies could not be listed') : skip(`no proxy to be judged${later}`);
    const suspects = suspectsOf(emission).length;
    if (suspects === 0)
      return refusal
        ? unknown([refusal], `all ${count(judged.length, 'proxy', 'proxies')} that were listed have it`)
        : { status: 'pass', message: `all ${count(judged.length, 'proxy', 'proxies')} in Prometheus${later}` };
    const seen = asked.map(seenOf);
    const bare = inState(seen, 'not loaded');
    const idle = bare.filter((each) => !hasNoConfiguration(each.page) && isIdleGateway(each));
    const unloaded = bare.filter((each) => !idle.includes(each));
    if (control && seenOf(control).state === 'not loaded' && unloaded.length > 0)
      return {
        status: 'unknown',
        reason: 'PagesContradict',
        message: `${nameOf(control)} is stored, and its page shows none of Istio’s metrics either`,
        missing: [],
      };
    const meant = unloaded.filter(({ proxy }) => !forgets(proxy, pilots));
    const blamed = meant.some(({ page }) => !hasNoConfiguration(page))
      ? meant.filter(({ page }) => !hasNoConfiguration(page))
      : meant;
    if (isSome(blamed)) return notLoaded(blamed, emission);
    const [forgetful] = unloaded;
    if (forgetful)
      return {
        status: 'unknown',
        reason: 'SeriesForgotten',
        message: `no istio_build on the page of ${nameOf(forgetful.proxy)}, which forgets series that stand still`,
        evidence: forgetful.page.lines,
        missing: [],
      };
    const unread = inState(seen, 'unread');
    const missing = unread.flatMap((each) => each.missing);
    if (isSome(missing))
      return unknown(
        missing,
        `no store has ${ofAll(suspects, emission)}, and ${unread.length === 1 ? 'the page of one' : `the pages of ${unread.length}`} could not be read`,
      );
    const loaded = inState(seen, 'loaded');
    if (refusal) return unknown([refusal], `${ofAll(judged.length - suspects, emission)} in Prometheus`);
    const stored = `${ofAll(judged.length - suspects, emission)} in Prometheus`;
    const served =
      idle.length > 0
        ? `; ${count(idle.length, 'gateway')} without listeners: no Gateway is for ${idle.length === 1 ? 'it' : 'them'}`
        : '';
    if (loaded.length === 0 && idle.length === 0)
      return {
        status: 'unknown',
        reason: 'NoPageRead',
        message: `${stored}, and no page was read`,
        missing: stores.missing,
      };
    if (judged.length === idle.length) return skip(`no proxy has anything to count${served}`);
    // A few pages speak for the others where a store was asked for those and has none: the loss is behind them then.
    if (suspects > asked.length && (stores.answered === 0 || stores.missing.length > 0))
      return {
        status: 'unknown',
        reason: 'NotAllRead',
        message: `${ofAll(judged.length - suspects + loaded.length, emission)} have it; of the others no store tells, and their pages were not read`,
        evidence: linesOf(subjectsOf(loaded.map(({ proxy }) => proxy.pod)), ': on its page'),
        hint: `kubectl istio-diag missing-metrics --sample ${suspects}`,
        missing: stores.missing,
      };
    const others = suspects - idle.length;
    const shown =
      loaded.length === others
        ? `${others === judged.length ? 'all' : 'the others'} have it on their pages`
        : `${loaded.length} of the ${others} others asked: it is on ${loaded.length === 1 ? 'its page' : 'their pages'}`;
    return {
      status: 'pass',
      message: `${stores.answered > 0 ? stored : 'no Prometheus told'}${loaded.length > 0 ? `; ${shown}` : ''}${served}${later}`,
      evidence: linesOf(subjectsOf(loaded.map(({ proxy }) => proxy.pod)), ': on its page'),
    };
  },
});
