import { shellLine } from '../../../cluster/question/shell.ts';
import { type Attempt, defineCheck, type Step, type Verdict } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { proxyOf } from '../../../evidence/kubernetes/pod.ts';
import { type Workloads, workloads } from '../../../evidence/kubernetes/workload.ts';
import { mixerLogs, quoteLog } from '../../../evidence/mixer/log.ts';
import { type MixerPages, mixerPages } from '../../../evidence/mixer/pages.ts';
import { type Traffic, traffic } from '../../../evidence/mixer/traffic.ts';
import { docsOf } from './docs.ts';
import { mixerReplicas, mixerRunning, telemetryServiceReachesMixer } from './mixer-pods.ts';
import { proxiesToldToReport, workloadsInjected } from './proxies.ts';
import { increase } from './readings.ts';
import { readLog } from './shipped.ts';
import { REPORT_CALLS } from './steps.ts';
import { workloadInjected, workloadReports } from './workload.ts';

export const reportsReceived = defineCheck({
  id: 'reports-received',
  title: 'Mixer is receiving Report calls',
  explains:
    'Adds up the Report calls of every answer code on every Mixer pod. A call that was refused was still made: that Mixer answers OK is the next question. Without any call, the proxies and Prometheus are asked whether there was traffic to report.',
  reasons: {
    NoProxies: 'No workload has a proxy, so nobody calls Mixer.',
    NotReported: 'The proxies have traffic and Mixer receives no Report call: it is lost between Envoy and Mixer.',
    NoTraffic: 'Proxies are there, and nobody can say that they had traffic: send a request and look again.',
  },
  needs: { pages: mixerPages, workloads: attempt(workloads), traffic: attempt(traffic) },
  judge({ pages, workloads, traffic }, { scope }) {
    if (pages.length === 0) return skip('no Mixer pod runs that could be called');
    const { got, missing } = sorted(pages.map(({ reading }) => reading));
    const total = got.reduce((sum, { reports }) => sum + reports.total, 0);
    const ok = got.reduce((sum, { reports }) => sum + reports.ok, 0);
    if (total > 0) {
      const answered = ok === total ? 'all answered OK' : `${ok} of them answered OK`;
      const calling = got.filter(({ reports }) => reports.total > 0).length;
      const during =
        scope.window > 0 ? `, ${increase(pages, ({ reports }) => reports.total)} in ${scope.window / 1000} s` : '';
      return {
        status: 'pass',
        message: `${count(total, 'Report call')}, ${answered}, on ${calling} of ${pages.length} Mixer pods${during}`,
        evidence: evidenceOf(pages),
      };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    if ('missing' in workloads)
      return unknown([workloads.missing], 'no Report call; which workloads have a proxy is not known');
    return withoutCalls(workloads.got, traffic);
  },
});

/** A Mixer of so few seconds may not have been called yet by proxies that counted long before. */
const YOUNG = 300;

/** Mixer saw no Report at all: lost, or was there nothing to report? */
function withoutCalls({ everywhere, complete }: Workloads, traffic: Attempt<Traffic | null>): Verdict {
  const proxied = everywhere.filter((pod) => proxyOf(pod) !== undefined);
  if (proxied.length === 0 && complete) {
    const [pod] = everywhere;
    return {
      status: 'fail',
      reason: 'NoProxies',
      message: pod
        ? `no Report call: none of ${count(everywhere.length, 'workload pod')} has a proxy`
        : 'no Report call, and no workload that could make one',
      evidence: everywhere.slice(0, 10).map(({ namespace, name }) => `${namespace}/${name}: no container istio-proxy`),
      hint: pod
        ? `${shellLine('kubectl', 'label', 'namespace', pod.namespace, 'istio-injection=enabled')} && ${shellLine('kubectl', '-n', pod.namespace, 'delete', 'pod', pod.name)}   # its successor gets a proxy`
        : 'kubectl get pods --all-namespaces',
    };
  }
  const seen = 'got' in traffic ? traffic.got : null;
  const requests = (seen?.requests ?? 0) + (seen?.inPrometheus ?? 0);
  const young = seen !== null && seen.mixerAge !== null && seen.mixerAge < YOUNG && seen.inPrometheus === null;
  if (seen && requests > 0 && !young) {
    const who =
      seen.requests > 0
        ? `${count(seen.proxies, 'proxy', 'proxies')} counted ${count(seen.requests, 'request')}`
        : 'Prometheus has requests of Envoy';
    const [pod] = proxied;
    return {
      status: 'fail',
      reason: 'NotReported',
      message: `no Report call reached Mixer, but ${who}`,
      evidence: [`the asked proxies made ${count(seen.reportCalls, 'Report call')}`],
      hint: pod
        ? shellLine('kubectl', '-n', pod.namespace, 'logs', pod.name, '-c', 'istio-proxy', '--tail=200')
        : 'kubectl get pods --all-namespaces',
    };
  }
  const idle = idleWords(seen);
  return {
    status: 'unknown',
    reason: 'NoTraffic',
    message: `no Report call; ${count(proxied.length, 'workload pod')} with a proxy, ${idle}`,
    hint: 'send a request to a service of the mesh, then run this again',
    missing: 'missing' in traffic ? [traffic.missing] : (seen?.missing ?? []),
  };
}

function idleWords(seen: Traffic | null): string {
  if (!seen || seen.proxies === 0) return 'none could be asked for its traffic';
  if (seen.requests === 0) return `the ${seen.proxies} asked have counted no request`;
  return `their requests may be older than Mixer, which started ${Math.round(seen.mixerAge ?? 0)} s ago`;
}

const evidenceOf = (pages: readonly MixerPages[]): readonly string[] =>
  pages.flatMap(({ pod, reading }) =>
    'got' in reading ? reading.got.reports.lines.map((line) => `${pod}: ${line}`) : [],
  );

export const reportsAccepted = defineCheck({
  id: 'reports-accepted',
  title: 'Mixer answers Report calls with OK',
  explains:
    'A Report that an adapter fails on is answered Unknown (InvalidArgument in 0.8), one that an overloaded Mixer sheds is answered Unavailable. Both were made: the cause lies behind Mixer, so this warns.',
  reasons: {
    ReportsRefused: 'Mixer answers Reports with an error: an adapter or an attribute fails. The log says which.',
    LoadShedding: 'Mixer is overloaded and refuses Reports to protect itself.',
  },
  needs: { pages: mixerPages, logs: attempt(mixerLogs) },
  judge({ pages, logs }, { plane }) {
    const { got, missing } = sorted(pages.map(({ reading }) => reading));
    const total = got.reduce((sum, { reports }) => sum + reports.total, 0);
    const refused = total - got.reduce((sum, { reports }) => sum + reports.ok, 0);
    const throttled = got.reduce((sum, reading) => sum + reading.throttled, 0);
    if (throttled > 0) {
      return {
        status: 'warn',
        reason: 'LoadShedding',
        message: `Mixer refused ${count(throttled, 'Report')} because it was overloaded`,
        evidence: evidenceOf(pages),
        hint: shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'hpa,deployments,pods'),
      };
    }
    if (refused > 0) {
      const quoted =
        'got' in logs
          ? quoteLog(logs.got, ['AdapterPanics', 'ReportFailed', 'MetricNotConfigured', 'PreprocessingFailed'])
          : [];
      return {
        status: 'warn',
        reason: 'ReportsRefused',
        message: `Mixer answered ${refused} of ${count(total, 'Report call')} with an error`,
        evidence: [...evidenceOf(pages), ...quoted],
        hint: readLog(plane),
      };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    return total === 0
      ? skip('no Report call to answer')
      : { status: 'pass', message: `all ${total} Report calls answered OK`, evidence: evidenceOf(pages) };
  },
});

export const reportCalls: Step = {
  id: REPORT_CALLS,
  title: 'Verify Mixer is receiving Report calls',
  hop: 'envoy->mixer',
  docs: docsOf('Verify Mixer is receiving Report calls'),
  checks: [
    reportsReceived,
    mixerRunning,
    mixerReplicas,
    telemetryServiceReachesMixer,
    proxiesToldToReport,
    reportsAccepted,
    workloadsInjected,
    workloadInjected,
    workloadReports,
  ],
};
