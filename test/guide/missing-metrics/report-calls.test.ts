import {
  mixerReplicas,
  mixerRunning,
  telemetryServiceReachesMixer,
} from '../../../src/guide/missing-metrics/mixer/mixer-pods.ts';
import { proxiesToldToReport, workloadsInjected } from '../../../src/guide/missing-metrics/mixer/proxies.ts';
import { reportsAccepted, reportsReceived } from '../../../src/guide/missing-metrics/mixer/report-calls.ts';
import { judging } from '../../support/judging.ts';
import {
  calls,
  deployment,
  logs,
  meshOf,
  missing,
  mixerWith,
  page,
  pod,
  service,
  unreadPage,
  workloadPod,
} from '../../support/mixer.ts';

const workloads = (...pods: readonly ReturnType<typeof workloadPod>[]) => ({
  got: { pods, everywhere: pods, injected: { got: new Set(['bookinfo']) }, complete: true },
});
const traffic = { got: { proxies: 1, requests: 0, reportCalls: 0, inPrometheus: null, mixerAge: 9999, missing: [] } };
const silent = page({ reports: calls(0) });
const nobody = { workloads: workloads(), traffic: { got: null } };

judging(reportsReceived, [
  {
    when: 'every call was answered',
    given: { pages: [page()], ...nobody },
    status: 'pass',
    says: /^160 Report calls, all answered OK, on 1 of 1 Mixer pods$/,
  },
  {
    when: 'one of two replicas is not called',
    given: { pages: [page(), silent], ...nobody },
    status: 'pass',
    says: /on 1 of 2 Mixer pods/,
  },
  {
    when: 'every call was refused: it was made all the same',
    given: { pages: [page({ reports: calls(160, 0) })], ...nobody },
    status: 'pass',
    says: /0 of them answered OK/,
  },
  {
    when: 'the second reading tells how many came in between',
    given: { pages: [{ ...page(), later: page({ reports: calls(172) }).reading }], ...nobody },
    scope: { window: 5000 },
    status: 'pass',
    says: /, 12 in 5 s$/,
  },
  {
    when: 'a pod was restarted between the readings: all it has is new',
    given: { pages: [{ ...page(), later: page({ reports: calls(7), startedAt: 2000 }).reading }], ...nobody },
    scope: { window: 5000 },
    status: 'pass',
    says: /, 7 in 5 s$/,
  },
  { when: 'no Mixer runs', given: { pages: [], ...nobody }, status: 'skip', says: /no Mixer pod/ },
  {
    when: 'the page could not be read',
    given: { pages: [unreadPage()], ...nobody },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed: create pods\/portforward in istio-system/,
  },
  {
    when: 'one replica is silent and the other unread',
    given: { pages: [silent, unreadPage('TimedOut')], ...nobody },
    status: 'unknown',
    reason: 'TimedOut',
    says: /could not be read/,
  },
  {
    when: 'no workload has a proxy',
    given: { pages: [silent], workloads: workloads(workloadPod('a', false)), traffic },
    status: 'fail',
    reason: 'NoProxies',
    says: /none of 1 workload pod/,
  },
  {
    when: 'there is no workload',
    given: { pages: [silent], workloads: workloads(), traffic },
    status: 'fail',
    reason: 'NoProxies',
    says: /no workload that could make one/,
  },
  {
    when: 'not every namespace could be listed: a proxy may be elsewhere',
    given: { pages: [silent], workloads: { got: { ...workloads().got, complete: false } }, traffic },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /no Report call/,
  },
  {
    when: 'which workloads have a proxy is not known',
    given: { pages: [silent], workloads: { missing: missing() }, traffic },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not known/,
  },
  {
    when: 'a proxy counted requests',
    given: {
      pages: [silent],
      workloads: workloads(workloadPod('a', true)),
      traffic: { got: { ...traffic.got, requests: 40 } },
    },
    status: 'fail',
    reason: 'NotReported',
    says: /1 proxy counted 40 requests/,
  },
  {
    when: 'Prometheus has requests of Envoy',
    given: {
      pages: [silent],
      workloads: workloads(workloadPod('a', true)),
      traffic: { got: { ...traffic.got, inPrometheus: 9 } },
    },
    status: 'fail',
    reason: 'NotReported',
    says: /Prometheus has requests/,
  },
  {
    when: 'the proxies are idle',
    given: { pages: [silent], workloads: workloads(workloadPod('a', true)), traffic },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /the 1 asked have counted no request/,
  },
  {
    when: 'no proxy could be asked',
    given: { pages: [silent], workloads: workloads(workloadPod('a', true)), traffic: { missing: missing() } },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /none could be asked/,
  },
  {
    when: 'Mixer is younger than the proxies’ requests may be',
    given: {
      pages: [silent],
      workloads: workloads(workloadPod('a', true)),
      traffic: { got: { ...traffic.got, requests: 40, mixerAge: 20 } },
    },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /started 20 s ago/,
  },
]);

judging(reportsAccepted, [
  { when: 'all were answered OK', given: { pages: [page()], logs: { got: logs() } }, status: 'pass', says: /all 160/ },
  {
    when: 'an adapter fails',
    given: {
      pages: [page({ reports: calls(160, 0) })],
      logs: { got: logs(['AdapterPanics', 'panic during handler dispatch']) },
    },
    status: 'warn',
    reason: 'ReportsRefused',
    says: /160 of 160 Report calls with an error/,
  },
  {
    when: 'Mixer sheds load',
    given: { pages: [page({ throttled: 7 })], logs: { missing: missing() } },
    status: 'warn',
    reason: 'LoadShedding',
    says: /7 Reports because it was overloaded/,
  },
  { when: 'there was no call', given: { pages: [silent], logs: { got: [] } }, status: 'skip', says: /no Report call/ },
  {
    when: 'one replica was not read',
    given: { pages: [page(), unreadPage()], logs: { got: [] } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
]);

judging(mixerRunning, [
  { when: 'it is ready', given: { mixer: mixerWith() }, status: 'pass', says: /1 of 1/ },
  {
    when: 'it was scaled to nothing',
    given: { mixer: mixerWith({ pods: [], deployment: { got: deployment(0) } }) },
    status: 'fail',
    reason: 'MixerScaledDown',
    says: /scaled to 0/,
  },
  {
    when: 'its Deployment has no pods',
    given: { mixer: mixerWith({ pods: [] }) },
    status: 'fail',
    reason: 'MixerMissing',
    says: /though its Deployment wants one/,
  },
  {
    when: 'it was never installed',
    given: { mixer: mixerWith({ pods: [], deployment: { got: null } }) },
    status: 'fail',
    reason: 'MixerMissing',
    says: /^no Mixer for telemetry in istio-system$/,
  },
  {
    when: 'it crashes',
    given: { mixer: mixerWith({ pods: [pod({ ready: false, trouble: 'CrashLoopBackOff' })] }) },
    status: 'fail',
    reason: 'MixerNotReady',
    says: /CrashLoopBackOff/,
  },
  {
    when: 'one of two is not ready',
    given: { mixer: mixerWith({ pods: [pod(), pod({ ready: false })] }) },
    status: 'warn',
    reason: 'MixerPartlyReady',
    says: /1 of 2/,
  },
  {
    when: 'not all pods could be listed',
    given: { mixer: mixerWith({ pods: [], unlisted: missing() }) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /where pods may be listed/,
  },
  {
    when: 'only proxies are seen',
    given: { mixer: mixerWith({ pods: [] }) },
    plane: { namespace: null },
    status: 'unknown',
    reason: 'ControlPlaneElsewhere',
    says: /another cluster/,
  },
]);

judging(mixerReplicas, [
  { when: 'all are there', given: { mixer: mixerWith() }, status: 'pass', says: /1 of 1 replica/ },
  {
    when: 'one is missing',
    given: { mixer: mixerWith({ deployment: { got: deployment(2) } }) },
    status: 'warn',
    reason: 'ReplicasMissing',
    says: /1 of 2 replicas/,
  },
  {
    when: 'it is no Deployment',
    given: { mixer: mixerWith({ deployment: { got: null } }) },
    status: 'skip',
    says: /no Deployment/,
  },
  {
    when: 'Deployments may not be listed',
    given: { mixer: mixerWith({ deployment: { missing: missing() } }) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not known/,
  },
]);

const telemetry = service('istio-telemetry', { namespace: 'istio-system', selector: { istio: 'mixer' } });
judging(telemetryServiceReachesMixer, [
  {
    when: 'it selects a ready pod',
    given: { found: { service: telemetry, unlisted: null }, mixer: mixerWith() },
    status: 'pass',
    says: /1 ready Mixer pod/,
  },
  {
    when: 'it is missing',
    given: { found: { service: null, unlisted: null }, mixer: mixerWith() },
    status: 'fail',
    reason: 'ServiceMissing',
    says: /no Service istio-telemetry/,
  },
  {
    when: 'it selects something else',
    given: { found: { service: { ...telemetry, selector: { app: 'x' } }, unlisted: null }, mixer: mixerWith() },
    status: 'fail',
    reason: 'NoEndpoints',
    says: /no ready Mixer pod/,
  },
  {
    when: 'no Mixer runs',
    given: { found: { service: telemetry, unlisted: null }, mixer: mixerWith({ pods: [] }) },
    status: 'skip',
    says: /no Mixer pod/,
  },
  {
    when: 'Services may not all be listed',
    given: { found: { service: null, unlisted: missing() }, mixer: mixerWith() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /where Services may be listed/,
  },
]);

judging(
  proxiesToldToReport,
  [
    {
      when: 'a server is set',
      given: {
        mesh: meshOf({ mixerReportServer: 'istio-telemetry:9091' }),
      },
      status: 'pass',
      says: /istio-telemetry:9091/,
    },
    {
      when: 'Reports are switched off',
      given: {
        mesh: meshOf({ mixerReportServer: 'x', disableMixerHttpReports: true }),
      },
      status: 'fail',
      reason: 'ReportsDisabled',
      says: /disableMixerHttpReports/,
    },
    {
      when: 'no server is set',
      given: {
        mesh: meshOf(),
      },
      status: 'fail',
      reason: 'NoReportServer',
      says: /not set/,
    },
    { when: 'the configuration is elsewhere', given: { mesh: null }, status: 'skip', says: /no ConfigMap/ },
    {
      when: 'HTTP Reports are off and others arrive',
      given: {
        mesh: meshOf({ mixerReportServer: 'x', disableMixerHttpReports: true }),
        pages: { got: [page()] },
      },
      status: 'warn',
      reason: 'HttpReportsDisabled',
      says: /only TCP/,
    },
  ],
  { pages: { missing: missing() } as const },
);

judging(workloadsInjected, [
  {
    when: 'all have one',
    given: { workloads: workloads(workloadPod('a', true)).got },
    status: 'pass',
    says: /1 of 1 workload pod/,
  },
  {
    when: 'one pod of an injected namespace has none',
    given: { workloads: workloads(workloadPod('a', true), workloadPod('b', false)).got },
    status: 'warn',
    reason: 'NotInjected',
    says: /bookinfo\/b/,
  },
  {
    when: 'the one without is excepted',
    given: {
      workloads: workloads(
        workloadPod('a', true),
        workloadPod('b', false, { annotations: { 'sidecar.istio.io/inject': 'false' } }),
      ).got,
    },
    status: 'pass',
    says: /no other should/,
  },
  {
    when: 'none has one',
    given: { workloads: workloads(workloadPod('a', false)).got },
    status: 'warn',
    reason: 'NoProxies',
    says: /none of 1/,
  },
  { when: 'nothing runs', given: { workloads: workloads().got }, status: 'skip', says: /no workload/ },
  {
    when: 'namespaces may not be listed',
    given: { workloads: { ...workloads(workloadPod('a', true)).got, injected: { missing: missing() } } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not known/,
  },
]);
