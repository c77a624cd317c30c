import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { grpcCounts, loaded, withoutMessages } from '../../../../evidence/prometheus/proxies.ts';
import { allSeries, answersIn } from '../../../../evidence/prometheus/store.ts';
import { editOwner } from '../../../templates.ts';
import { inState, seenOf } from './seen.ts';

export const familiesStandard = defineCheck({
  id: 'families-standard',
  title: 'what proxies make has the standard names',
  explains:
    'Looks on the pages that were read for istio_requests_total and istio_tcp_*. None before the first request is no fault: the filter counts what passes. A name that holds a standard one and something else is a tag that Envoy was not told of.',
  reasons: {
    NamesMangled:
      'Envoys of 1.16 and older put a custom tag that they were not told of (extraStatTags) into the metric’s name: nobody asks for that name.',
  },
  needs: { emission },
  judge({ emission }) {
    const { asked, control } = emission;
    const pages = inState([...asked, ...(control ? [control] : [])].map(seenOf), 'loaded');
    if (pages.length === 0) return skip('no page with the stats filter was read');
    const mangled = pages.filter(({ page }) => page.mangled.length > 0);
    const [first] = mangled;
    if (first) {
      const subjects = subjectsOf(mangled.map(({ proxy }) => proxy.pod));
      return {
        // Where no name is as it should be, the metric is lost.
        status: mangled.every(({ page }) => page.families.has('istio_requests_total')) ? 'warn' : 'fail',
        reason: 'NamesMangled',
        message: `${mangled.length} of ${count(pages.length, 'page')}: ${some(first.page.mangled)} in the place of istio_requests_total`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${editOwner(first.proxy.pod)}   # annotate the pods sidecar.istio.io/extraStatTags with the tags that Telemetry or EnvoyFilters add`,
      };
    }
    const busy = (test: RegExp): number =>
      pages.filter(({ page }) => [...page.families].some((each) => test.test(each))).length;
    const idle = pages.filter(({ page }) => page.families.size === 0).length;
    return {
      status: 'pass',
      message: `of ${count(pages.length, 'page')} ${busy(/requests/)} have requests, ${busy(/tcp/)} TCP${idle > 0 ? `, ${idle} no traffic yet` : ''}`,
    };
  },
});

export const grpcMessagesCounted = defineCheck({
  id: 'grpc-messages-counted',
  title: 'messages of gRPC are counted',
  explains:
    'Proxies of Istio 1.17 count the requests of gRPC and none of its messages. Where a store has such proxies it is asked for both.',
  reasons: { GrpcMessagesMissing: 'Istio 1.17 counts no messages of gRPC: fixed in 1.18.' },
  needs: { loaded: attempt(loaded), counts: attempt(grpcCounts) },
  judge({ loaded, counts }, { plane }) {
    const builds = answersIn(loaded);
    const old = withoutMessages(builds.got).length;
    if (old === 0)
      // A store that answers has them all, or those that matter are lost for another reason.
      return isSome(builds.missing) && builds.got.length === 0
        ? unknown(builds.missing)
        : skip('no proxy of 1.17, which counts none, is stored');
    const { got, missing } = answersIn(counts);
    const names = new Set(allSeries(got).map(({ labels }) => labels.get('__name__')));
    if (names.has('istio_request_messages_total'))
      return { status: 'pass', message: 'istio_request_messages_total is stored' };
    if (isSome(missing)) return unknown(missing);
    if (!names.has('istio_requests_total')) return skip('no request of gRPC is stored');
    return {
      status: 'warn',
      reason: 'GrpcMessagesMissing',
      message: `${count(old, 'proxy', 'proxies')} of 1.17: requests of gRPC are counted, and no messages`,
      hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'pods', '-l', 'app=istiod', '-o', 'wide')}   # upgrade to 1.18 or newer, then restart the workloads`,
    };
  },
});
