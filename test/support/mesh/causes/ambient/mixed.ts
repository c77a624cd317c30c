import { app, call, type Spec, service, workload } from '../../spec.ts';
import { type Cause, healthy, lost, warned } from '../cause.ts';
import { changedAmbient, withoutWaypoints } from './changed.ts';

const sidecars = (spec: Spec, ...names: readonly string[]): void => {
  for (const name of names) workload(spec, name).proxy = 'sidecar';
};

/** A second namespace, of sidecars. */
function bank(spec: Spec): void {
  spec.namespaces.bank = { 'istio-injection': 'enabled' };
  spec.workloads.push(app('pay', { namespace: 'bank' }), app('book', { namespace: 'bank' }));
  spec.services.push(service('pay', { namespace: 'bank' }), service('book', { namespace: 'bank' }));
  spec.calls.push(
    call('pay-v1', 'book-v1', { service: { name: 'book', namespace: 'bank' } }),
    call('web-v1', 'pay-v1', { service: { name: 'pay', namespace: 'bank' } }),
    call('pay-v1', 'prices-v1', { protocol: 'grpc' }),
  );
}

/** Sidecars and ambient in one mesh: each pod counts once. */
export const mixedCauses: readonly Cause[] = [
  {
    name: 'one namespace has sidecars, and another is in ambient',
    facts: 'picchu#619',
    spec: changedAmbient(bank),
    expect: healthy({ pods: { sidecars: 2, ambient: 5 } }),
  },
  {
    name: 'a migration from sidecars to ambient is half done',
    facts: 'podHasSidecar',
    spec: changedAmbient((spec) => {
      withoutWaypoints(spec);
      sidecars(spec, 'prices-v1', 'db-v1');
    }),
    expect: warned('enrolled', ['MigrationHalfDone']),
  },
  {
    name: 'a namespace asks for sidecars and for ambient, and has sidecars',
    facts: 'istio/istio#52527',
    spec: changedAmbient((spec) => {
      withoutWaypoints(spec);
      spec.namespaces.shop = { 'istio-injection': 'enabled', 'istio.io/dataplane-mode': 'ambient' };
      sidecars(spec, 'web-v1', 'cart-v1', 'prices-v1', 'db-v1');
    }),
    expect: { ...warned('enrolled', ['AsksForBoth']), pods: { sidecars: 5, ambient: 0 } },
  },
  {
    name: 'a namespace asks for both, and the pods of one Deployment opt out of ambient',
    facts: 'istio/istio#52527',
    spec: changedAmbient((spec) => {
      withoutWaypoints(spec);
      sidecars(spec, 'prices-v1');
      Object.assign(workload(spec, 'prices-v1').labels, {
        'istio.io/dataplane-mode': 'none',
        'sidecar.istio.io/inject': 'true',
      });
    }),
    expect: healthy({ pods: { sidecars: 1, ambient: 4 } }),
  },
  {
    name: 'sidecars are older than ambient, and take no tunnels',
    facts: 'istio/istio#51336 (injection-template.yaml, networking.istio.io/tunnel)',
    spec: changedAmbient((spec) => {
      bank(spec);
      for (const name of ['pay-v1', 'book-v1']) workload(spec, name).env.ISTIO_META_ENABLE_HBONE = 'false';
      for (const each of spec.calls) if (each.to === 'pay-v1') each.codes = { '200': 5000 };
    }),
    expect: lost('stored', ['MostCallersUnknown']),
  },
  {
    name: 'pods with sidecars have the mark of ambient in their templates',
    facts: 'podHasSidecar',
    spec: changedAmbient((spec) => {
      bank(spec);
      for (const name of ['pay-v1', 'book-v1'])
        workload(spec, name).annotations['ambient.istio.io/redirection'] = 'enabled';
      // No ztunnel is there, and none is missed.
      workload(spec, 'book-v1').node = 'node-7';
    }),
    expect: healthy({ pods: { sidecars: 2, ambient: 5 } }),
  },
  {
    name: 'one namespace is asked for, and another spells ambient otherwise',
    facts: 'product.md 9',
    spec: changedAmbient((spec) => {
      spec.namespaces.other = { 'istio.io/dataplane-mode': 'Ambient' };
      spec.workloads.push(app('batch', { namespace: 'other', proxy: 'none' }));
    }),
    command: 'missing-metrics -n shop',
    expect: healthy({ status: { enrolled: 'pass' } }),
  },
  {
    name: 'pods of the namespace in ambient are lost, and those with sidecars are not',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec) => {
      bank(spec);
      workload(spec, 'prices-v1').redirection = null;
    }),
    expect: { ...lost('enrolled', ['NotRedirected']), pods: { sidecars: 2, ambient: 4 } },
  },
  {
    name: 'pods with sidecars are lost, and those in ambient are not',
    facts: 'modern.md 2a',
    spec: changedAmbient((spec) => {
      bank(spec);
      workload(spec, 'book-v1').proxy = 'none';
      workload(spec, 'book-v1').createdAt = '2026-11-19T08:00:00Z';
    }),
    expect: { ...lost('in-mesh', ['OlderThanWebhook']), pods: { sidecars: 1, ambient: 5 } },
  },
  {
    name: 'one namespace is asked for, which has sidecars',
    facts: 'product.md 9',
    spec: changedAmbient((spec) => {
      bank(spec);
      workload(spec, 'prices-v1').redirection = null;
    }),
    command: 'missing-metrics -n bank',
    expect: healthy(),
  },
  {
    name: 'one namespace is asked for, which is in ambient',
    facts: 'product.md 9',
    spec: changedAmbient((spec) => {
      bank(spec);
      workload(spec, 'book-v1').proxy = 'none';
    }),
    command: 'missing-metrics -n shop',
    expect: healthy(),
  },
];
