import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DATAPLANE,
  DEFAULT_ENROLMENT,
  type Enrolment,
  type EnrolmentSettings,
  enrolmentOf,
  REDIRECTION,
} from '../../src/istio/enrolment.ts';

const [AMBIENT, NONE] = [{ [DATAPLANE]: 'ambient' }, { [DATAPLANE]: 'none' }];
type Labels = Record<string, string>;

const told = (change: Partial<EnrolmentSettings>): EnrolmentSettings => ({ ...DEFAULT_ENROLMENT, ...change });
const BEFORE_1_22 = told({
  selectors: [{ pods: null, namespaces: { matchLabels: AMBIENT } }],
  isAnnotationOptOut: true,
});

interface Case {
  pod?: Labels;
  namespace?: Labels;
  annotations?: Labels;
  of?: string;
  hostNetwork?: boolean;
  settings?: EnrolmentSettings;
}

const becomes = ({ pod = {}, namespace = {}, annotations = {}, of = 'shop', hostNetwork = false, settings }: Case) =>
  enrolmentOf({ namespace: of, labels: pod, annotations, hostNetwork }, namespace, settings ?? DEFAULT_ENROLMENT);

/** By cni/pkg/util/enablement_selector_test.go, and podutil_test.go of the releases before. */
const CASES: readonly (readonly [when: string, given: Case, is: Enrolment])[] = [
  ['nobody asks', {}, 'not-asked'],
  ['its namespace asks', { namespace: AMBIENT }, 'enrolled'],
  ['it asks itself', { pod: AMBIENT }, 'enrolled'],
  ['it asks itself in a namespace that wants none', { pod: AMBIENT, namespace: NONE }, 'enrolled'],
  ['it wants none in a namespace that asks', { pod: NONE, namespace: AMBIENT }, 'opted-out'],
  ['it wants none where nobody asks', { pod: NONE }, 'not-asked'],
  ['it says what Istio does not know', { pod: { [DATAPLANE]: 'sidecar' }, namespace: AMBIENT }, 'enrolled'],
  ['it has a sidecar', { namespace: AMBIENT, annotations: { 'sidecar.istio.io/status': '' } }, 'sidecar'],
  ['it uses its node’s network', { namespace: AMBIENT, hostNetwork: true }, 'host-network'],
  ['its namespace is left out', { namespace: AMBIENT, of: 'kube-system' }, 'excluded-namespace'],
  ['its namespace is left out and it asks itself', { pod: AMBIENT, of: 'kube-system' }, 'excluded-namespace'],
  ['its annotation says no today', { namespace: AMBIENT, annotations: { [REDIRECTION]: 'disabled' } }, 'enrolled'],
  [
    'its annotation said no before 1.22',
    { namespace: AMBIENT, annotations: { [REDIRECTION]: 'disabled' }, settings: BEFORE_1_22 },
    'opted-out',
  ],
  ['its label asked before 1.22', { pod: AMBIENT, settings: BEFORE_1_22 }, 'not-asked'],
  ['its label said no before 1.22', { pod: NONE, namespace: AMBIENT, settings: BEFORE_1_22 }, 'enrolled'],
  ['there is no selector', { pod: AMBIENT, namespace: AMBIENT, settings: told({ selectors: [] }) }, 'not-asked'],
  ['a selector takes all', { settings: told({ selectors: [{ pods: {}, namespaces: {} }] }) }, 'enrolled'],
  [
    'a selector asks for labels of both, and one is there',
    {
      namespace: { mesh: 'yes' },
      settings: told({
        selectors: [{ pods: { matchLabels: { app: 'web' } }, namespaces: { matchLabels: { mesh: 'yes' } } }],
      }),
    },
    'opted-out',
  ],
];

describe('what istio-cni’s agent makes of a pod', () => {
  for (const [when, given, is] of CASES) it(`is ${is} when ${when}`, () => assert.equal(becomes(given), is));
});
