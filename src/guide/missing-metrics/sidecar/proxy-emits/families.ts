import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, skip, some } from '../../../../diagnosis/verdict.ts';
import { nameOf } from '../../../../evidence/envoy/asked.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import { linesOf, ownerOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { inState, seenOf } from './seen.ts';

const GRPC_MESSAGES = ['istio_request_messages_total', 'istio_response_messages_total'];

export const familiesStandard = defineCheck({
  id: 'families-standard',
  title: 'what proxies make has the standard names',
  explains:
    'Looks on the pages that were read for istio_requests_total and istio_tcp_*. None before the first request is no fault: the filter counts what passes. A name that holds a standard one and something else is a tag that Envoy was not told of.',
  reasons: {
    NamesMangled:
      'Envoys of 1.16 and older put a custom tag that they were not told of (extraStatTags) into the metric’s name: nobody asks for that name.',
    GrpcMessagesMissing: 'Istio 1.17 counts no messages of gRPC: fixed in 1.18.',
  },
  needs: { emission },
  judge({ emission }) {
    const { asked, control } = emission;
    const pages = inState([...asked, ...(control ? [control] : [])].map(seenOf), 'loaded');
    if (pages.length === 0) return skip('no page with the stats filter was read');
    const mangled = pages.filter(({ page }) => page.mangled.length > 0);
    const [first] = mangled;
    if (first) {
      const { pod } = first.proxy;
      const { kind, namespace, name } = ownerOf(pod);
      const subjects = subjectsOf(mangled.map(({ proxy }) => proxy.pod));
      return {
        // Where no name is as it should be, the metric is lost.
        status: mangled.every(({ page }) => page.families.has('istio_requests_total')) ? 'warn' : 'fail',
        reason: 'NamesMangled',
        message: `${mangled.length} of ${count(pages.length, 'page')}: ${some(first.page.mangled)} in the place of istio_requests_total`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${shellLine('kubectl', '-n', namespace, 'edit', kind.toLowerCase(), name)}   # annotate the pods sidecar.istio.io/extraStatTags with the tags that Telemetry or EnvoyFilters add`,
      };
    }
    const silent = pages.filter(
      ({ page }) =>
        page.grpc && page.build?.startsWith('1.17') && !GRPC_MESSAGES.some((family) => page.families.has(family)),
    );
    const [other] = silent;
    if (other) {
      const subjects = subjectsOf(silent.map(({ proxy }) => proxy.pod));
      const { kind, namespace, name } = ownerOf(other.proxy.pod);
      return {
        status: 'warn',
        reason: 'GrpcMessagesMissing',
        message: `${nameOf(other.proxy)} (${other.page.build}) counts requests of gRPC and no messages`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${shellLine('kubectl', '-n', namespace, 'rollout', 'restart', kind.toLowerCase(), name)}   # after the upgrade to 1.18 or newer`,
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
