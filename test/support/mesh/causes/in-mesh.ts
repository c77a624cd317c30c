import { object } from '../objects.ts';
import { app, call, type Spec, workload } from '../spec.ts';
import { type Cause, changed, healthy, lost, lostOrMeant } from './cause.ts';

const APPLICATIONS = ['web-v1', 'cart-v1', 'prices-v1', 'db-v1'] as const;

/** Takes the proxies from workloads: they were never injected. */
function withoutProxies(spec: Spec, names: readonly string[]): void {
  for (const name of names) workload(spec, name).proxy = 'none';
}

/** One direction of a call is not seen by the proxy on that side. */
const unseen = (
  spec: Spec,
  reporters: readonly ('source' | 'destination')[],
  of: (name: string | null) => boolean,
): void => {
  for (const each of spec.calls) if (of(each.to)) each.reporters = reporters;
};

/** Pods that should be in the mesh and are not, or whose traffic passes their proxy by. */
export const inMeshCauses: readonly Cause[] = [
  {
    name: 'injection is asked of the default revision, and there is none',
    facts: 'modern.md 5.31',
    spec: changed((spec) => {
      spec.revision = '1-31';
      withoutProxies(spec, APPLICATIONS);
    }),
    expect: lost('in-mesh', ['DefaultUnserved']),
  },
  {
    name: 'a namespace asks for a revision that is gone',
    facts: 'modern.md 5.31',
    spec: changed((spec) => {
      spec.namespaces = { shop: { 'istio.io/rev': '1-28' } };
      withoutProxies(spec, APPLICATIONS);
    }),
    expect: lost('in-mesh', ['RevisionUnserved']),
  },
  {
    name: 'two Deployments are older than the label of their namespace',
    facts: 'modern.md 2a',
    spec: changed((spec) => {
      withoutProxies(spec, ['cart-v1', 'prices-v1']);
      for (const name of ['cart-v1', 'prices-v1']) workload(spec, name).createdAt = '2026-11-19T08:00:00Z';
    }),
    expect: lost('in-mesh', ['OlderThanWebhook']),
  },
  {
    name: 'a Deployment stays outside on purpose',
    facts: 'modern.md 2a',
    spec: changed((spec) => {
      spec.workloads.push(app('batch', { proxy: 'none', labels: { 'sidecar.istio.io/inject': 'false' } }));
    }),
    expect: healthy(),
  },
  {
    name: 'a Deployment that stays outside on purpose is asked for',
    facts: 'product.md 9',
    spec: changed((spec) => {
      spec.workloads.push(app('batch', { proxy: 'none', labels: { 'sidecar.istio.io/inject': 'false' } }));
    }),
    command: 'missing-metrics deployment/batch-v1 -n shop',
    // No proxy of it is there to be told, to be reached or to be scraped.
    expect: lost('in-mesh', ['OptedOut']),
  },
  {
    name: 'a port that a Service leads to is not captured',
    facts: 'reports.md 5',
    spec: changed((spec) => {
      workload(spec, 'cart-v1').annotations['traffic.sidecar.istio.io/excludeInboundPorts'] = '8080';
      unseen(spec, ['source'], (name) => name === 'cart-v1');
    }),
    expect: lost('in-mesh', ['InboundNotCounted']),
  },
  {
    name: 'a port of no Service is not captured',
    facts: 'reports.md 5',
    spec: changed((spec) => {
      workload(spec, 'cart-v1').annotations['traffic.sidecar.istio.io/excludeInboundPorts'] = '9113';
    }),
    expect: healthy(),
  },
  {
    name: 'a Sidecar captures nothing',
    facts: 'reports.md 5',
    spec: changed((spec) => {
      spec.objects.push(
        object(
          'networking.istio.io/v1',
          'Sidecar',
          { name: 'web', namespace: 'shop' },
          { spec: { workloadSelector: { labels: { app: 'web' } }, egress: [{ captureMode: 'NONE', hosts: ['*/*'] }] } },
        ),
      );
      spec.calls = [
        ...spec.calls.filter(({ from }) => from !== 'web-v1'),
        call(null, 'cart-v1', { mutual: false, reporters: ['destination'] }),
      ];
    }),
    // No Service tells the ports that it calls: a person decides whether this was meant.
    expect: lostOrMeant('in-mesh', ['OutboundNotCaptured']),
  },
  {
    name: 'a container called istio-proxy has no Envoy',
    facts: 'reports.md 4',
    spec: changed((spec) => {
      const prices = workload(spec, 'prices-v1');
      prices.annotations['inject.istio.io/templates'] = 'grpc-agent';
      prices.env.DISABLE_ENVOY = 'true';
      prices.told = [];
      prices.page = { hasEnvoy: false, failures: { envoy: 40_320 } };
      unseen(spec, ['source'], (name) => name === 'prices-v1');
    }),
    expect: healthy(),
  },
  {
    name: 'finished pods of a Job keep targets that are down',
    facts: 'reports.md 13',
    spec: changed((spec) => {
      spec.prometheus.keepsFinished = true;
      spec.workloads.push(app('migrate', { name: 'migrate', kind: 'Job', phase: 'Succeeded' }));
    }),
    expect: healthy(),
  },
];
