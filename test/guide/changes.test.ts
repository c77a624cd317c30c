import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Happened } from '../../src/evidence/kubernetes/happened.ts';
import type { Managed } from '../../src/evidence/kubernetes/managed.ts';
import { changesAround } from '../../src/guide/missing-metrics/changes.ts';
import { fieldPathsIn } from '../../src/guide/missing-metrics/field-paths.ts';

/** When something was lost, in seconds since 1970; times of a test are so long before. */
const LOST = 1_790_000_000;
const before = (seconds: number): string => new Date((LOST - seconds) * 1000).toISOString().replace('.000Z', 'Z');

const POD = { kind: 'Pod', manager: null, fields: [] };

const SPEC = { 'f:spec': { 'f:metrics': {} } };

const telemetry = (name: string, fields: Managed['fields'], createdAt = before(90 * 86_400)): Managed => ({
  kind: 'Telemetry',
  namespace: 'istio-system',
  name,
  createdAt,
  fields,
});

const edited = (seconds: number, manager = 'kubectl-edit', more: object = {}) => ({
  manager,
  operation: 'Update',
  time: before(seconds),
  fieldsV1: SPEC,
  ...more,
});

const around = (objects: readonly Managed[], deciding = ['Telemetry']) =>
  changesAround(LOST, objects, [], new Set(deciding));

describe('a change', () => {
  it('is told with who made it, when, and what is theirs', () => {
    assert.deepEqual(around([telemetry('mesh-default', [edited(40)])]), [
      {
        at: before(40),
        kind: 'Telemetry',
        namespace: 'istio-system',
        name: 'mesh-default',
        manager: 'kubectl-edit',
        operation: 'Update',
        fields: ['spec.metrics'],
        secondsBefore: 40,
        others: 0,
      },
    ]);
  });

  it('is none where it was long before, or after what the clocks may differ by', () => {
    const times = [-61, -60, 0, 86_400, 86_401];
    const found = around(times.map((seconds) => telemetry(`at${seconds}`, [edited(seconds, `hand${seconds}`)])));
    assert.deepEqual(
      found.map(({ secondsBefore }) => secondsBefore),
      [0, -60, 86_400],
    );
  });

  it('of what decides comes first, then the nearest; at most ten', () => {
    const others = Array.from(
      { length: 12 },
      (_, index): Managed => ({
        ...telemetry(`other${index}`, [edited(10 * index + 5, `hand${index}`)]),
        kind: 'Service',
      }),
    );
    const found = around([...others, telemetry('mesh-default', [edited(3000)])]);
    assert.equal(found.length, 10);
    assert.deepEqual(
      found.slice(0, 3).map(({ name }) => name),
      ['mesh-default', 'other0', 'other1'],
    );
  });

  it('is no status, and no bookkeeping of a controller', () => {
    const fields = [
      edited(10, 'istiod', { subresource: 'status' }),
      edited(11, 'old-controller', { fieldsV1: { 'f:status': { 'f:conditions': {} } } }),
      edited(12, 'kube-controller-manager', {
        fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } } },
      }),
      edited(13, 'pilot-discovery', {
        fieldsV1: {
          'f:webhooks': {
            'k:{"name":"rev.object.sidecar-injector.istio.io"}': { 'f:clientConfig': { 'f:caBundle': {} } },
          },
        },
      }),
    ];
    assert.deepEqual(around([telemetry('mesh-default', fields)]), []);
  });

  it('that makes an object is one, whoever set its fields', () => {
    const made = telemetry('mesh-default', [edited(100, 'kubectl-client-side-apply'), edited(7)], before(101));
    assert.deepEqual(
      around([made]).map(({ operation, manager, secondsBefore }) => [operation, manager, secondsBefore]),
      [
        ['Update', 'kubectl-edit', 7],
        ['Create', 'kubectl-client-side-apply', 101],
      ],
    );
  });

  it('of sixty objects by one hand within two seconds is one, told by what decides', () => {
    const upgrade = Array.from(
      { length: 59 },
      (_, index): Managed => ({
        ...telemetry(`chart${index}`, [edited(60 + (index % 3), 'helm')]),
        kind: 'Service',
      }),
    );
    const found = around([...upgrade, telemetry('mesh-default', [edited(61, 'helm')]), telemetry('own', [edited(61)])]);
    assert.deepEqual(
      found.map(({ manager, name, others }) => [manager, name, others]),
      [
        ['helm', 'mesh-default', 59],
        ['kubectl-edit', 'own', 0],
      ],
    );
  });

  it('is also that pods began, and began again', () => {
    const at = (LOST - 20) * 1000;
    const found = changesAround(
      LOST,
      [],
      [
        { ...POD, namespace: 'shop', name: 'cart-1', at, operation: 'Start' },
        { ...POD, namespace: 'istio-system', name: 'prometheus-0', at: at - 60_000, operation: 'Restart' },
      ],
      new Set(),
    );
    assert.deepEqual(
      found.map(({ kind, name, operation, secondsBefore }) => [kind, name, operation, secondsBefore]),
      [
        ['Pod', 'cart-1', 'Start', 20],
        ['Pod', 'prometheus-0', 'Restart', 80],
      ],
    );
  });
});

describe('what the cluster itself did', () => {
  const happened = (
    operation: Happened['operation'],
    seconds: number,
    name: string,
    fields: readonly string[],
    more: Partial<Happened> = {},
  ): Happened => ({ ...POD, namespace: 'shop', name, at: (LOST - seconds) * 1000, operation, fields, ...more });
  const deployment = (manager: string, seconds: number): Managed => ({
    ...telemetry('cart', [edited(seconds, manager)]),
    kind: 'Deployment',
    namespace: 'shop',
  });
  const told = (objects: readonly Managed[], all: readonly Happened[]): readonly (readonly unknown[])[] =>
    changesAround(LOST, objects, all, new Set(['Deployment'])).map(
      ({ kind, name, operation, manager, secondsBefore, others }) => [
        kind,
        name,
        operation,
        manager,
        secondsBefore,
        others,
      ],
    );
  const rollout = (seconds: number, revision: number): Happened =>
    happened('Rollout', seconds, 'cart', [`revision ${revision}`], { kind: 'Deployment' });
  const scaled = (seconds: number): Happened =>
    happened('Event', seconds, 'cart', ['ScalingReplicaSet: Scaled up replica set cart-5d8 to 3'], {
      kind: 'Deployment',
      manager: 'deployment-controller',
    });

  it('is a rollout of which managedFields no longer tell, before what does not decide', () => {
    const events = [happened('Event', 5, 'cart-5d8-x', ['Killing: Stopping container app'], { manager: 'kubelet' })];
    assert.deepEqual(told([], [...events, rollout(3000, 5)]), [
      ['Deployment', 'cart', 'Rollout', null, 3000, 0],
      ['Pod', 'cart-5d8-x', 'Event', 'kubelet', 5, 0],
    ]);
  });

  it('is told once, with who did it', () => {
    assert.deepEqual(told([deployment('kubectl-set', 61)], [rollout(60, 5), scaled(60)]), [
      ['Deployment', 'cart', 'Update', 'kubectl-set', 61, 0],
    ]);
    assert.deepEqual(told([deployment('kubectl-set', 3000)], [rollout(60, 5), scaled(60)]), [
      ['Deployment', 'cart', 'Rollout', null, 60, 0],
      ['Deployment', 'cart', 'Update', 'kubectl-set', 3000, 0],
    ]);
  });

  it('is one line where many objects had the same, and its own where another reason is given', () => {
    const of = (reason: string, index: number): Happened =>
      happened('Event', 10 + index, `cart-${index}`, [`${reason}: in words of its own ${index}`], {
        manager: 'kubelet',
      });
    const evicted = Array.from({ length: 40 }, (_, index) => of('Evicted', index));
    assert.deepEqual(told([], [...evicted, of('BackOff', 7), of('BackOff', 7)]), [
      ['Pod', 'cart-0', 'Event', 'kubelet', 10, 39],
      ['Pod', 'cart-7', 'Event', 'kubelet', 17, 0],
    ]);
  });
});

describe('fields', () => {
  it('are named in words, and no deeper than one reads', () => {
    assert.deepEqual(
      fieldPathsIn({
        'f:metadata': {
          'f:labels': { '.': {}, 'f:istio.io/rev': {}, 'f:app': {} },
          'f:annotations': { 'f:kubectl.kubernetes.io/last-applied-configuration': {}, 'f:prometheus.io/scrape': {} },
        },
        'f:spec': {
          'f:replicas': {},
          'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': { 'f:image': {} } } } },
          'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
        },
        'f:status': { 'f:phase': {} },
      }),
      [
        'metadata.labels[istio.io/rev]',
        'metadata.labels.app',
        'metadata.annotations[prometheus.io/scrape]',
        'spec.replicas',
        'spec.template.spec',
        'spec.ports[80,TCP]',
      ],
    );
  });

  it('are none of what is no form of theirs', () => {
    for (const nothing of [undefined, null, 7, 'x', [], {}, { 'v:x': {} }]) assert.deepEqual(fieldPathsIn(nothing), []);
  });
});
