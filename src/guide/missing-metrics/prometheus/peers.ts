import { defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { skip, some } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { meshShares } from '../../../evidence/istio/shares.ts';
import { allServices } from '../../../evidence/kubernetes/lists.ts';
import { workloadOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import {
  fromWorkloads,
  toWorkloads,
  unknownDestinations,
  unknownSources,
} from '../../../evidence/prometheus/mesh-series.ts';
import type { Series } from '../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../evidence/prometheus/store.ts';
import { TUNNEL } from '../../../istio/injection.ts';
import { restartOf } from '../../templates.ts';
import { IN_MESH } from '../steps.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';
import { endOf, isTraffic, perSecond, ratesBy, reportedBy, share, total } from './rates.ts';

/** So small a part of the traffic is not spoken of: a probe, a scrape of an application's own port. */
const NOTEWORTHY = 0.05;

const whole = (...answers: readonly (StoreAnswer | null)[]): Verdict | null =>
  notWhole(gapsIn(answers.flatMap((each) => each ?? [])));

/** Of the workloads that are looked at. */
function own(
  series: readonly Series[],
  end: 'source_workload' | 'destination_workload',
  pods: readonly Pod[],
): readonly Series[] {
  const names = new Set(pods.map(workloadOf));
  return series.filter((each) => names.has(endOf(each, end)));
}

/** `shop/cart: 2.5 requests/s`, the most first. */
const linesBy = (series: readonly Series[], of: (each: Series) => string): readonly string[] =>
  [...ratesBy(series, of)]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 10)
    .map(([name, rate]) => `${name}: ${perSecond(rate)}`);

export const callersKnown = defineCheck({
  id: 'callers-known',
  title: 'who calls is known',
  explains:
    'A request whose caller has no proxy is counted with source_workload="unknown", and so is one whose caller’s metadata did not arrive. The former comes without mutual TLS: an ingress of another make, a pod outside the mesh, a Prometheus that scrapes an application. So does what a pod in ambient sends to a sidecar that was injected before ambient was there: no tunnel leads to it. Where most of the traffic is such, sums by source are false.',
  reasons: {
    CallersUnknown: 'A part of the requests comes from callers that the metrics cannot name.',
    MostCallersUnknown: 'Most requests come from callers that the metrics cannot name: sums by source are false.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, unknown: unknownSources, to: toWorkloads, from: fromWorkloads, shares: attempt(meshShares) },
  judge({ emitters, unknown, to, from, shares }) {
    const nothing = nothingIn(to) ?? nothingIn(unknown);
    if (nothing) return nothing;
    const answered = own(reportedBy(seriesIn(to), 'destination'), 'destination_workload', emitters);
    const strange = own(reportedBy(seriesIn(unknown), 'destination'), 'destination_workload', emitters);
    const [all, part] = [total(answered), total(strange)];
    if (!isTraffic(all)) return whole(to) ?? skip('no requests in ten minutes to look at');
    if (part < NOTEWORTHY * all)
      return (
        whole(unknown, to) ?? {
          status: 'pass',
          message: `${part > 0 ? 'nearly all' : 'all'} of ${perSecond(all)} come from callers with a name`,
        }
      );
    const encrypted = total(strange.filter(({ labels }) => labels.get('connection_security_policy') === 'mutual_tls'));
    const called = new Set(strange.map((each) => endOf(each, 'destination_workload')));
    const isMixed = 'got' in shares && shares.got !== null && shares.got.ambient > 0;
    const [first, ...more] = isMixed
      ? emitters.filter((pod) => called.has(workloadOf(pod)) && pod.labels[TUNNEL] !== 'http')
      : [];
    const why =
      encrypted > part / 2
        ? 'by mutual TLS: their metadata did not arrive'
        : first
          ? 'without mutual TLS: callers in ambient, of which these sidecars take no tunnels, or without a proxy'
          : 'without mutual TLS: callers without a proxy';
    // An idle mesh that is only scraped from outside has no traffic of its own to be wrong about.
    const isMost =
      part > all / 2 && isTraffic(total(own(reportedBy(seriesIn(from), 'source'), 'source_workload', emitters)));
    return {
      status: isMost ? 'fail' : 'warn',
      reason: isMost ? 'MostCallersUnknown' : 'CallersUnknown',
      effect: 'wrong',
      message: `${share(part, all)} of ${perSecond(all)} come from unknown callers, ${why}`,
      evidence: linesBy(strange, (each) => `to ${endOf(each, 'destination_workload')}`),
      hint:
        encrypted > part / 2
          ? 'kubectl get envoyfilters.networking.istio.io --all-namespaces   # one that removes the headers or filters of metadata exchange; or callers of a release that is two minor versions away'
          : first
            ? `${restartOf([first, ...more])}   # a sidecar that is injected since ambient is there takes tunnels (its label ${TUNNEL}=http), and knows who calls`
            : 'kubectl istio-diag webhook-certs   # which pods ask for a proxy and have none; what must stay outside the mesh can call through an Istio gateway',
      mayFollowFrom: [IN_MESH],
    };
  },
});

const NOWHERE = /^(PassthroughCluster|BlackHoleCluster)$/;

export const destinationsKnown = defineCheck({
  id: 'destinations-known',
  title: 'where requests go is known',
  explains:
    'A caller’s proxy that knows no Service for an address counts what it sends there as PassthroughCluster, or as BlackHoleCluster where the mesh lets nothing else out. Hosts outside of the mesh have no workload, which is no fault; a Service of the cluster whose workload is unknown is one.',
  reasons: {
    DestinationsUnknown: 'Requests to Services of the cluster are counted without the workload that answers.',
    MostDestinationsUnknown: 'Most requests are counted without the workload that answers: sums by workload are false.',
    PassedThrough:
      'A part of the requests goes to addresses of which the mesh knows no Service: they are counted without a name.',
    BlackHole: 'Requests go nowhere: the mesh lets nothing out that it does not know, and does not know these.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, unknown: unknownDestinations, from: fromWorkloads, services: allServices },
  judge({ emitters, unknown, from, services }) {
    const nothing = nothingIn(from) ?? nothingIn(unknown);
    if (nothing) return nothing;
    const sent = total(own(reportedBy(seriesIn(from), 'source'), 'source_workload', emitters));
    const strange = own(reportedBy(seriesIn(unknown), 'source'), 'source_workload', emitters);
    const known = new Set(
      services.items
        .filter(({ external, selector }) => !external && Object.keys(selector).length > 0)
        .map(({ namespace, name }) => `${namespace}/${name}`),
    );
    const serviceOf = (each: Series): string => endOf(each, 'destination_service');
    const nameOf = ({ labels }: Series): string => labels.get('destination_service_name') ?? '';
    const inside = strange.filter((each) => known.has(serviceOf(each)));
    const lost = strange.filter((each) => NOWHERE.test(nameOf(each)));
    const black = lost.filter((each) => nameOf(each) === 'BlackHoleCluster');
    const [nameless, through] = [total(inside), total(lost)];
    if (!isTraffic(sent + total(black))) return whole(from) ?? skip('no requests in ten minutes to look at');
    if (nameless >= NOTEWORTHY * sent && nameless > 0) {
      const isMost = nameless > sent / 2;
      return {
        status: isMost ? 'fail' : 'warn',
        reason: isMost ? 'MostDestinationsUnknown' : 'DestinationsUnknown',
        effect: 'wrong',
        message: `${share(nameless, sent)} of ${perSecond(sent)} go to Services whose workload is unknown: ${some([...new Set(inside.map(serviceOf))])}`,
        evidence: linesBy(inside, serviceOf),
        hint: 'kubectl istio-diag debug proxy-config endpoints POD -n NAMESPACE   # of a caller: endpoints without metadata, or pods behind these Services without a proxy',
        mayFollowFrom: [IN_MESH],
      };
    }
    if (total(black) > 0 || through >= NOTEWORTHY * sent)
      if (through > 0)
        return {
          status: 'warn',
          reason: total(black) > 0 ? 'BlackHole' : 'PassedThrough',
          effect: 'wrong',
          message:
            total(black) > 0
              ? `${perSecond(total(black))} go nowhere, counted as BlackHoleCluster`
              : `${share(through, sent)} of ${perSecond(sent)} go to addresses that no Service has, counted as PassthroughCluster`,
          evidence: linesBy(lost, (each) => `from ${endOf(each, 'source_workload')} to ${nameOf(each)}`),
          hint: 'kubectl get serviceentries.networking.istio.io,sidecars.networking.istio.io --all-namespaces   # a ServiceEntry gives an address a name; a Sidecar’s egress may leave it out',
        };
    return (
      whole(unknown, from) ?? { status: 'pass', message: `all of ${perSecond(sent)} go where the mesh knows a Service` }
    );
  },
});
