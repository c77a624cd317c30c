import assert from 'node:assert/strict';
import { it } from 'node:test';
import { trim } from '../../../../src/cluster/bundle/trim.ts';
import type { Enrolled } from '../../../../src/evidence/ambient/enrolled.ts';
import type { Consumer } from '../../../../src/evidence/consumers/consumers.ts';
import { kialiShowsWaypoints } from '../../../../src/guide/missing-metrics/ambient/consumers/kiali.ts';
import { readersKeepCounters } from '../../../../src/guide/missing-metrics/ambient/consumers/readers.ts';
import { judging } from '../../../support/judging.ts';
import { container, listed, missing, pod } from '../../../support/mixer.ts';
import { answer, partly, rate, unanswered } from '../../../support/stores.ts';

const ztunnel = (annotations: Record<string, string> = {}) =>
  pod({
    name: 'ztunnel-x1',
    namespace: 'istio-system',
    labels: { app: 'ztunnel' },
    owner: { kind: 'DaemonSet', name: 'ztunnel' },
    annotations,
  });
const carried = (...ztunnels: Enrolled['ztunnels']): { enrolled: Enrolled } => ({
  enrolled: {
    members: [],
    kept: [],
    waypoints: [],
    ztunnels,
    nodes: new Map(),
    namespaces: new Map(),
    unasked: [],
    refusal: null,
  },
});
const CHECKS = 'ad.datadoghq.com/istio-proxy.checks';

judging(readersKeepCounters, [
  { when: 'nobody is told', given: carried(ztunnel()), status: 'skip', says: /no reader of another make/ },
  {
    when: 'the newest form is read',
    given: carried(ztunnel({ [CHECKS]: 'use_latest_spec: true' })),
    status: 'pass',
    says: /of 1 ztunnel$/,
  },
  {
    when: 'the old form is asked for',
    given: carried(ztunnel({ [CHECKS]: 'use_latest_spec: false' })),
    status: 'fail',
    reason: 'CountersDropped',
    says: /is told use_latest_spec: false for istio-system\/ztunnel-x1: it drops/,
  },
  {
    when: 'nothing is said',
    given: carried(ztunnel({ [CHECKS]: '' }), ztunnel({ 'ad.datadoghq.com/istio-proxy.instances': '' })),
    status: 'warn',
    reason: 'CountersMayBeDropped',
    says: /is not told use_latest_spec: true for istio-system\/ztunnel-x1 and 1 more/,
  },
]);

it('keeps of a reader’s annotation what it reads, and no login', () => {
  const told = (text: string) =>
    trim('pods', {
      metadata: {
        name: 'ztunnel-x1',
        annotations: { [CHECKS]: text, 'ad.datadoghq.com/app.instances': '[{"password":"x"}]' },
      },
    }).metadata.annotations;
  assert.deepEqual(told('{"istio":{"instances":[{"use_latest_spec": true,"password":"hush"}]}}'), {
    [CHECKS]: 'use_latest_spec: true',
  });
  assert.deepEqual(told('{"istio":{"instances":[{"use_latest_spec":"false"}]}}'), {
    [CHECKS]: 'use_latest_spec: false',
  });
  assert.deepEqual(told('{"istio":{"instances":[{"password":"hush"}]}}'), { [CHECKS]: '' });
});

const kiali = (image: string) => ({
  consumers: [
    {
      kind: 'Kiali',
      namespace: 'istio-system',
      pod: 'kiali-1',
      configMap: 'kiali',
      asks: { got: [] },
    } satisfies Consumer,
  ],
  pods: listed(pod({ name: 'kiali-1', namespace: 'istio-system', containers: [container('kiali', image)] })),
});
const counting = { to: { got: answer(rate('waypoint', 'destination_workload', 'cart', 2)) } };

judging(
  kialiShowsWaypoints,
  [
    { when: 'there is no Kiali', given: { consumers: [] }, status: 'skip', says: /no Kiali runs/ },
    { when: 'it is new enough', given: kiali('quay.io/kiali/kiali:v2.21'), status: 'pass', says: /^Kiali 2\.21 does$/ },
    {
      when: 'its image tells nothing',
      given: kiali('quay.io/kiali/kiali:latest'),
      status: 'skip',
      says: /does not tell/,
    },
    {
      when: 'it is too old for what waypoints count',
      given: kiali('quay.io/kiali/kiali:v1.85.0'),
      status: 'warn',
      reason: 'KialiTooOld',
      says: /^Kiali 1\.85\.0 in istio-system shows nothing of 2 requests\/s/,
    },
    {
      when: 'it is too old, and no waypoint counts',
      given: { ...kiali('quay.io/kiali/kiali:v1.85.0'), to: { got: answer() } },
      status: 'skip',
      says: /no waypoint counts/,
    },
    {
      when: 'it is too old, and an answer may not be whole',
      given: { ...kiali('quay.io/kiali/kiali:v1.85.0'), to: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'it is too old, and the store does not answer',
      given: { ...kiali('quay.io/kiali/kiali:v1.85.0'), to: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /./,
    },
    {
      when: 'it is too old, and no store may be asked',
      given: { ...kiali('quay.io/kiali/kiali:v1.85.0'), to: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether waypoints count requests/,
    },
  ],
  counting,
);
