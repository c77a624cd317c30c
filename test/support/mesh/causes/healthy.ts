import { isAtLeast } from '../../../../src/istio/release.ts';
import { type Spec, workload } from '../spec.ts';
import { type Cause, changed, healthy } from './cause.ts';
import { statsFilters } from './stats-filters.ts';

/** A mesh as a release installs it: stats filters before 1.18, the annotations since 1.7. */
function asInstalled(spec: Spec): void {
  const [minor = ''] = /^\d+\.\d+/.exec(spec.release) ?? [];
  if (!isAtLeast(spec.release, '1.18')) {
    spec.mesh.defaultProviders = {};
    spec.objects.push(...statsFilters('istio-system', minor));
  }
  if (isAtLeast(spec.release, '1.7')) return;
  spec.prometheus.by = 'envoy-stats';
  // A Kiali of today asks for labels that this release has not.
  spec.kiali = null;
}

/** Healthy meshes of releases that do it differently, and meshes that only look ill. */
export const healthyCauses: readonly Cause[] = [
  ...['1.31.0', '1.28.2', '1.20.8', '1.16.7', '1.11.4', '1.7.1', '1.5.10'].map((release) => ({
    name: `nothing is wrong with a mesh of ${release}`,
    facts: 'modern.md 1.1, 2c',
    spec: changed(asInstalled, release),
    expect: healthy(),
  })),
  {
    name: 'a workload has had no request yet',
    facts: 'reports.md 12',
    spec: changed((spec) => {
      spec.calls = spec.calls.filter(({ to }) => to !== 'prices-v1');
    }),
    command: 'missing-metrics deployment/prices-v1 -n shop',
    expect: healthy({ verdict: ['inconclusive', 'healthy'], exitCode: [3, 0], reason: ['NoTraffic'] }),
  },
  {
    name: 'some workloads have had no request yet',
    facts: 'reports.md 12',
    spec: changed((spec) => {
      spec.calls = spec.calls.filter(({ to }) => to !== 'prices-v1');
    }),
    expect: healthy(),
  },
  {
    name: 'series without traffic are evicted',
    facts: 'modern.md 5.35',
    spec: changed((spec) => {
      workload(spec, 'prices-v1').annotations['sidecar.istio.io/statsEvictionInterval'] = '30s';
      spec.calls = spec.calls.filter(({ to }) => to !== 'prices-v1');
    }),
    expect: healthy(),
  },
  {
    name: 'a long connection has not ended yet',
    facts: 'modern.md 5.20',
    spec: changed((spec) => {
      for (const each of ['cart-v1', 'db-v1'])
        workload(spec, each).page = { without: /^istio_tcp_(connections_closed|sent_bytes|received_bytes)_total$/ };
    }),
    expect: healthy(),
  },
  {
    name: 'a proxy of another release is told as all others',
    facts: 'modern.md 1.1',
    spec: changed((spec) => {
      workload(spec, 'cart-v1').release = '1.29.4';
    }),
    expect: healthy(),
  },
];
