import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { proxyOf } from '../../../evidence/kubernetes/pod.ts';
import { narrowed } from '../../../evidence/kubernetes/workload.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { stored } from '../../../evidence/mixer/stored.ts';
import { workloadTraffic } from '../../../evidence/mixer/traffic.ts';
import { PARTIAL_ANSWER, partlyAnswered } from '../prometheus/partial.ts';
import { CONFIG_ERRORS, CONFIGURATION, DISPATCHES, PROMETHEUS_SCRAPE, REPORT_CALLS } from './steps.ts';

const NOBODY = 'no single workload was asked for';

export const workloadInjected = defineCheck({
  id: 'workload-injected',
  about: 'workload',
  title: 'the workload’s pods have a proxy',
  explains: 'For the workload on the command line: its running pods, and whether each has the container istio-proxy.',
  reasons: {
    NoPods: 'No running pod belongs to the workload.',
    NotInjected: 'No pod of the workload has a proxy: nobody reports for it.',
    PartlyInjected: 'Some pods of the workload have no proxy: their share is not reported.',
  },
  needs: { narrowed },
  judge({ narrowed }) {
    if (!narrowed) return skip(NOBODY);
    const { workload, pods } = narrowed;
    const name = `${workload.kind}/${workload.name}`;
    const without = pods.filter((pod) => proxyOf(pod) === undefined);
    const [first] = pods;
    if (!first) {
      return {
        status: 'fail',
        reason: 'NoPods',
        message: `no running pod belongs to ${name} in ${workload.namespace}`,
        hint: shellLine('kubectl', '-n', workload.namespace, 'describe', workload.kind, workload.name),
      };
    }
    if (without.length === 0)
      return { status: 'pass', message: `all ${count(pods.length, 'pod')} of ${name} have a proxy` };
    const hint = `${shellLine('kubectl', 'label', 'namespace', workload.namespace, 'istio-injection=enabled', '--overwrite')} && ${shellLine('kubectl', '-n', workload.namespace, 'delete', 'pod', ...without.slice(0, 5).map((pod) => pod.name))}`;
    const message = `${without.length} of ${count(pods.length, 'pod')} of ${name} have no proxy: ${some(without.map((pod) => pod.name))}`;
    return without.length === pods.length
      ? { status: 'fail', reason: 'NotInjected', message, hint }
      : { status: 'warn', reason: 'PartlyInjected', message, hint };
  },
});

export const workloadReports = defineCheck({
  id: 'workload-reports',
  about: 'workload',
  title: 'the workload’s reports arrive at Mixer’s Prometheus adapter',
  explains:
    'Looks for series about the workload on the adapter’s pages; without one, its own Envoys are asked for their requests and Report calls.',
  reasons: {
    WorkloadNotReported: 'The workload has traffic, and Mixer’s adapter has no series about it.',
    NoTraffic: 'The workload’s proxies have counted no request: there is nothing to report.',
  },
  needs: { narrowed, pages: mixerPages, traffic: attempt(workloadTraffic) },
  judge({ narrowed, pages, traffic }) {
    if (!narrowed) return skip(NOBODY);
    const name = `${narrowed.workload.kind}/${narrowed.workload.name}`;
    const series = pages.reduce(
      (sum, { adapter }) => sum + (adapter.state === 'serves' ? adapter.workloadSeries : 0),
      0,
    );
    if (series > 0)
      return { status: 'pass', message: `Mixer’s adapter has ${count(series, 'series', 'series')} about ${name}` };
    const unseen = pages.flatMap(({ adapter }) => (adapter.state === 'unseen' ? [adapter.missing] : []));
    if (unseen.length === 0 && pages.every(({ adapter }) => adapter.state !== 'serves' || adapter.series === 0)) {
      return skip('Mixer’s adapter has no series of any workload: that is not about this one');
    }
    const seen = 'got' in traffic ? traffic.got : null;
    if (seen && seen.requests > 0 && unseen.length === 0) {
      return {
        status: 'fail',
        reason: 'WorkloadNotReported',
        message: `proxies of ${name} counted ${count(seen.requests, 'request')} and made ${count(seen.reportCalls, 'Report call')}, but Mixer’s adapter has no series about it`,
        hint: shellLine(
          'kubectl',
          '-n',
          narrowed.workload.namespace,
          'logs',
          narrowed.pods[0]?.name ?? '',
          '-c',
          'istio-proxy',
          '--tail=200',
        ),
        mayFollowFrom: [REPORT_CALLS],
      };
    }
    const missing = [...(seen?.missing ?? []), ...('missing' in traffic ? [traffic.missing] : []), ...unseen];
    if ((seen?.proxies ?? 0) === 0 && isSome(missing))
      return unknown(missing, `no series about ${name}; its proxies could not be asked`);
    return {
      status: 'unknown',
      reason: 'NoTraffic',
      message: `no series about ${name}; its proxies have counted no request`,
      hint: `send a request to ${name}, then run this again`,
      missing,
    };
  },
});

export const workloadStored = defineCheck({
  id: 'workload-stored',
  about: 'workload',
  title: 'Prometheus holds series about the workload',
  explains:
    'Asks Prometheus for the workload’s own series: by destination_service up to 0.8, by the workload’s labels too from 1.0 on.',
  reasons: {
    PartialAnswer: PARTIAL_ANSWER,
    WorkloadNotStored: 'Prometheus has no series about the workload, though it scrapes Mixer’s adapter.',
  },
  needs: { narrowed, stored },
  judge({ narrowed, stored }) {
    if (!narrowed) return skip(NOBODY);
    const name = `${narrowed.workload.kind}/${narrowed.workload.name}`;
    const { got, missing } = sorted(stored.flatMap(({ workload }) => (workload ? [workload] : [])));
    const series = got.reduce((sum, each) => sum + each, 0);
    if (series > 0)
      return { status: 'pass', message: `Prometheus has ${count(series, 'series', 'series')} about ${name}` };
    if (isSome(missing)) return unknown(missing);
    if (got.length === 0) return skip('no Prometheus to ask');
    const partial = stored.flatMap((each) => each.partial);
    if (isSome(partial)) return partlyAnswered(partial, `no series about ${name}`);
    return {
      status: 'fail',
      reason: 'WorkloadNotStored',
      message: `Prometheus has no series about ${name}`,
      hint: shellLine('kubectl', 'istio-diag', 'missing-metrics', '-o', 'wide'),
      mayFollowFrom: [REPORT_CALLS, ...CONFIGURATION, CONFIG_ERRORS, DISPATCHES, PROMETHEUS_SCRAPE],
      withoutCause: 'unknown',
    };
  },
});
