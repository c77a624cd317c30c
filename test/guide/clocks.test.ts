import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { ClockReading } from '../../src/cluster/ways/clock.ts';
import type { NodeClock, Renewal } from '../../src/evidence/clocks/node-clocks.ts';
import type { TraceStore, TracingRule } from '../../src/evidence/clocks/tracing.ts';
import type { MeshConfig } from '../../src/evidence/kubernetes/config-maps.ts';
import { nodeClocksAgree } from '../../src/guide/clocks/node-clocks.ts';
import { apart, signed } from '../../src/guide/clocks/offsets.ts';
import { spansAreRecent } from '../../src/guide/clocks/trace-store.ts';
import { tracingIsOn } from '../../src/guide/clocks/tracing.ts';
import { workstationNearNodes, workstationNearPrometheus } from '../../src/guide/clocks/workstation.ts';
import { judging, NOW } from '../support/judging.ts';
import { container, listed, meshOf, missing, partly, pod } from '../support/mixer.ts';
import { istiodObject, modernMesh, podObject } from '../support/modern.ts';
import { it } from '../support/programs.ts';
import type { Page } from '../support/recordings.ts';
import { reported } from '../support/run.ts';
import { startStandIn } from '../support/stand-in.ts';

const reading = (offset: number): { got: ClockReading } => ({ got: { offset, error: 550 } });
const node = (name: string, offset: number): NodeClock => ({
  node: name,
  pod: `${name}-pod`,
  reading: reading(offset),
});
const lease = (name: string, age: number, ready: boolean | null = true): Renewal => ({
  node: name,
  renewedAt: NOW - age,
  ready,
});

judging(
  nodeClocksAgree,
  [
    {
      when: 'all are within a second',
      given: {},
      status: 'pass',
      says: /^node-1, node-2 and the API server, 2 leases agree$/,
    },
    {
      when: 'one is four seconds ahead',
      given: { nodes: { got: [node('node-1', 0), node('node-2', 4000)] } },
      status: 'warn',
      reason: 'NodesDrift',
      says: /^node-2 is 4.1 s ahead of the API server$/,
    },
    {
      when: 'one is a minute behind',
      given: { nodes: { got: [node('node-1', -60_000), node('node-2', 0)] } },
      status: 'fail',
      reason: 'NodesDisagree',
      says: /ahead of node-1$/,
    },
    {
      when: 'a lease is from the future',
      given: { renewals: { got: [lease('node-3', -30_000)] } },
      status: 'fail',
      reason: 'NodesDisagree',
      says: /^node-3 is 30.1 s ahead/,
    },
    {
      when: 'a ready node’s lease is two minutes old',
      given: { renewals: { got: [lease('node-3', 120_000)] } },
      status: 'fail',
      reason: 'NodesDisagree',
      says: /ahead of node-3/,
    },
    {
      when: 'a lease is old and its node is not ready',
      given: { renewals: { got: [lease('node-3', 120_000, false)] } },
      status: 'pass',
      says: /agree/,
    },
    {
      when: 'this machine alone is wrong',
      given: {
        nodes: { got: [node('node-1', 90_000)] },
        api: reading(90_000),
        renewals: { got: [lease('node-1', -85_000)] },
      },
      status: 'pass',
      says: /agree/,
    },
    {
      when: 'the leases may not be read',
      given: { renewals: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every clock/,
    },
    {
      when: 'nothing could be read',
      given: {
        nodes: { missing: missing() },
        api: { missing: missing('Unreachable') },
        renewals: { missing: missing() },
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  {
    nodes: { got: [node('node-1', 0), node('node-2', 200)] },
    api: reading(-100),
    renewals: { got: [lease('node-1', 3000), lease('node-2', 9000)] },
  },
);

judging(
  workstationNearNodes,
  [
    {
      when: 'they are half a second apart',
      given: {},
      status: 'pass',
      says: /^the nodes are \+0.5 s from this machine$/,
    },
    {
      when: 'they are five seconds apart',
      given: { nodes: { got: [node('node-1', 5000)] } },
      status: 'warn',
      reason: 'ClockDrifts',
      says: /\+5.0 s/,
    },
    {
      when: 'a laptop slept for a day',
      given: { nodes: { got: [node('node-1', -86_400_000)] } },
      status: 'fail',
      reason: 'ClockOff',
      says: /-24 h/,
    },
    {
      when: 'only the API server tells',
      given: { nodes: { got: [] }, api: reading(40_000) },
      status: 'fail',
      reason: 'ClockOff',
      says: /^the API server is \+40.0 s/,
    },
    {
      when: 'the browser is elsewhere',
      given: {},
      scope: { clientOffset: 60_000 },
      status: 'fail',
      reason: 'ClockOff',
      says: /-59.5 s from --client-time/,
    },
    {
      when: 'nothing tells',
      given: { nodes: { missing: missing() }, api: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { nodes: { got: [node('node-1', 500)] }, api: reading(0) },
);

const prometheus = (offset: number) => ({ clocks: { got: [{ where: 'pod a/b', reading: reading(offset) }] } });
judging(
  workstationNearPrometheus,
  [
    {
      when: 'they are ten seconds apart',
      given: prometheus(10_000),
      status: 'pass',
      says: /^Prometheus is \+10.0 s from this machine$/,
    },
    {
      when: 'they are a minute apart',
      given: prometheus(-60_000),
      status: 'warn',
      reason: 'ClockDrifts',
      says: /-60.0 s/,
    },
    {
      when: 'they are six minutes apart',
      given: prometheus(-360_000),
      status: 'fail',
      reason: 'ClockOff',
      says: /-6 min from this machine: dashboards of 0.8 and 1.0/,
    },
    {
      when: 'they are an hour apart',
      given: prometheus(3_600_000),
      status: 'fail',
      reason: 'ClockOff',
      says: /of workloads and performance/,
    },
    {
      when: 'there is no Prometheus',
      given: { clocks: { got: [] } },
      status: 'pass',
      says: /^the API server \(there is no Prometheus/,
    },
    {
      when: 'Prometheus cannot be asked',
      given: { clocks: { got: [{ where: 'x', reading: { missing: missing('TimedOut') } }] } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /TimedOut/,
    },
  ],
  { ...prometheus(0), api: reading(0) },
);

const mesh = (change: Partial<MeshConfig> = {}): { mesh: MeshConfig } => ({
  mesh: meshOf({ enableTracing: true, tracer: 'zipkin.istio-system:9411', sampling: 100, ...change }),
});
const telemetry = (change: Partial<TracingRule>) => ({
  got: listed({
    name: 'mesh',
    namespace: 'istio-system',
    selects: false,
    disabled: false,
    sampling: null,
    provider: null,
    ...change,
  }),
});
judging(
  tracingIsOn,
  [
    { when: 'it is', given: {}, status: 'pass', says: /^100 % of the requests to zipkin/ },
    {
      when: 'it is off',
      given: mesh({ enableTracing: false }),
      status: 'warn',
      reason: 'TracingDisabled',
      says: /enableTracing is false/,
    },
    {
      when: 'there is no tracer',
      given: mesh({ tracer: null }),
      status: 'warn',
      reason: 'NoTracer',
      says: /no tracer/,
    },
    {
      when: 'Pilot samples one percent',
      given: {
        ...mesh({ sampling: null }),
        pilots: [
          {
            pod: pod({
              containers: [container('discovery', 'pilot:1.0.6', { variables: { PILOT_TRACE_SAMPLING: '1.0' } })],
            }),
            version: '1.0.6',
            debugPort: 9093,
          },
        ],
      },
      status: 'warn',
      reason: 'FewSampled',
      says: /^1 % of the requests/,
    },
    { when: 'there is no such ConfigMap', given: { mesh: null }, status: 'skip', says: /no ConfigMap/ },
    {
      when: 'a Telemetry object of the mesh switches it off',
      given: { rules: telemetry({ disabled: true }) },
      status: 'warn',
      reason: 'TracingDisabled',
      says: /^Telemetry istio-system\/mesh tells every proxy/,
    },
    {
      when: 'a Telemetry object of the mesh names a tracer and a share',
      given: { ...mesh({ tracer: null, sampling: null }), rules: telemetry({ provider: 'otel', sampling: 50 }) },
      status: 'pass',
      says: /^50 % of the requests to otel$/,
    },
    {
      when: 'one for some workloads says no',
      given: { rules: telemetry({ disabled: true, selects: true }) },
      status: 'pass',
      says: /^100 %/,
    },
    {
      when: 'Telemetry objects cannot be seen',
      given: { rules: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'some cannot be seen',
      given: { rules: { got: partly() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
  ],
  { ...mesh(), pilots: [], rules: { got: listed() } },
);

const store = (newest: TraceStore['newest']): { stores: TraceStore[] } => ({
  stores: [{ where: 'istio-system/jaeger-1', newest }],
});
judging(spansAreRecent, [
  {
    when: 'it is',
    given: store({ got: NOW - 60_000 }),
    status: 'pass',
    says: /^60 seconds ago in istio-system\/jaeger-1$/,
  },
  {
    when: 'it lies in the future',
    given: store({ got: NOW + 2 * 3_600_000 }),
    status: 'fail',
    reason: 'SpansFromFuture',
    says: /is 2 hours ahead/,
  },
  {
    when: 'it is days old',
    given: store({ got: NOW - 3 * 86_400_000 }),
    status: 'warn',
    reason: 'SpansOld',
    says: /is 3 days old/,
  },
  { when: 'there is none', given: store({ got: null }), status: 'warn', reason: 'NoSpans', says: /no span/ },
  {
    when: 'the store cannot be asked',
    given: store({ missing: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
  { when: 'there is no store', given: { stores: [] }, status: 'skip', says: /no Jaeger/ },
]);

describe('a trace store', () => {
  const pod = (name: string, image: string) =>
    podObject(name, { namespace: 'istio-system', labels: { app: name }, containers: [{ name, image }] });
  const json = (body: unknown): Page => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });
  const now = NOW;
  // By their documented API: no Jaeger and no Zipkin is built here.
  const pages = new Map<string, Page>([
    ['istio-system/jaeger-1:16686/jaeger/api/services', json({ data: ['productpage.bookinfo', 'jaeger-query'] })],
    [
      'istio-system/jaeger-1:16686/jaeger/api/traces',
      json({ data: [{ spans: [{ startTime: (now - 60_000) * 1000 }, { startTime: (now - 5000) * 1000 }] }] }),
    ],
    ['istio-system/zipkin-1:9411/api/v2/traces', json([[{ timestamp: (now + 7_200_000) * 1000 }]])],
  ]);
  it('is asked through the real kubectl, below its prefix or not', async () => {
    const objects = [
      pod('jaeger-1', 'docker.io/jaegertracing/all-in-one:1.58'),
      pod('zipkin-1', 'openzipkin/zipkin-slim:3'),
    ];
    const standIn = await startStandIn({ ...modernMesh(istiodObject(), ...objects), pages });
    try {
      const { report } = await reported(['zipkin-clock'], { env: { KUBECONFIG: standIn.kubeconfig } });
      const check = report.steps.find(({ id }) => id === 'trace-store')?.checks[0];
      assert.equal(check?.reason, 'SpansFromFuture', check?.message);
      assert.match(check?.message ?? '', /^the newest span in istio-system\/zipkin-1 is 2 hours ahead$/);
      assert.match(check?.evidence[0] ?? '', /^istio-system\/jaeger-1: newest span 20/);
    } finally {
      await standIn.close();
    }
  });
});

describe('two clocks', () => {
  it('are apart by what is left after the errors', () => {
    const at = (name: string, offset: number, error: number) => ({ node: name, offset, error });
    assert.deepEqual(apart([at('a', 1000, 500), at('b', 0, 500)]), []);
    assert.equal(apart([at('a', 3000, 500), at('b', 0, 500)])[0]?.least, 2000);
  });
  it('are named in the unit that fits', () => {
    assert.deepEqual([signed(-1500), signed(360_000), signed(86_400_000)], ['-1.5 s', '+6 min', '+24 h']);
  });
});
