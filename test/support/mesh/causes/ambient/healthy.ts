import { isAtLeast } from '../../../../../src/istio/release.ts';
import type { Ambient } from '../../ambient/spec.ts';
import { app, type Spec } from '../../spec.ts';
import { type Cause, healthy } from '../cause.ts';
import { changedAmbient, onPage, WITHOUT_SELECTORS, withoutWaypoints } from './changed.ts';

/** What the agents' ConfigMap says of ambient, as each release's chart writes it. */
function asInstalled(spec: Spec, ambient: Ambient): void {
  const { release } = spec;
  if (isAtLeast(release, '1.27')) return;
  ambient.settings = isAtLeast(release, '1.24') ? WITHOUT_SELECTORS : { cni_network_config: '{}' };
  // No Service asks for one by a label there.
  if (!isAtLeast(release, '1.22')) withoutWaypoints(spec);
}

/** Healthy meshes of ambient, and meshes that only look ill. */
export const healthyAmbientCauses: readonly Cause[] = [
  ...['1.31.0', '1.28.2', '1.24.6', '1.22.8', '1.21.6', '1.20.8'].map((release) => ({
    name: `nothing is wrong with a mesh in ambient of ${release}`,
    facts: 'modern.md 1.1',
    spec: changedAmbient(asInstalled, release),
    expect: healthy({ pods: { sidecars: 0, ambient: 5 } }),
  })),
  {
    name: 'nobody has called anybody in ambient yet',
    facts: 'modern.md 5.28',
    spec: changedAmbient((spec) => {
      spec.calls = [];
    }),
    expect: healthy({ verdict: ['inconclusive', 'healthy'], exitCode: [3, 0] }),
  },
  {
    name: 'a workload in ambient has had no connection yet',
    facts: 'reports.md 12',
    spec: changedAmbient((spec) => {
      spec.workloads.push(app('batch', { proxy: 'ambient' }));
    }),
    expect: healthy(),
  },
  {
    name: 'a ztunnel serves pods that are on their way out, too',
    facts: 'istio/istio#61182',
    spec: changedAmbient((_, ambient) => {
      onPage(ambient, 'node-1', {
        rewrite: (text) => text.replace(/^(workload_manager_active_proxy_count) \d+$/m, '$1 9'),
      });
    }),
    expect: healthy(),
  },
  {
    name: 'a node has no ztunnel, and no pod in ambient',
    facts: 'istio/istio#57788',
    spec: changedAmbient((spec) => {
      spec.workloads.push(
        app('outside', { proxy: 'none', node: 'node-7', labels: { 'istio.io/dataplane-mode': 'none' } }),
      );
    }),
    expect: healthy(),
  },
  {
    name: 'an agent is gone, and every pod is redirected already',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((_, { nodes }) => {
      for (const each of Object.values(nodes)) each.agent = null;
    }),
    expect: healthy(),
  },
  {
    name: 'some pods in ambient opt out, and one is on its node’s network',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec) => {
      spec.workloads.push(
        app('batch', { proxy: 'none', labels: { 'istio.io/dataplane-mode': 'none' } }),
        app('watch', { proxy: 'none', hostNetwork: true }),
      );
    }),
    expect: healthy({ pods: { sidecars: 0, ambient: 5 } }),
  },
  {
    name: 'a pod opts out by the annotation of releases before 1.22',
    facts: 'cni/pkg/util/podutil.go of 1.21',
    spec: changedAmbient((spec, ambient) => {
      asInstalled(spec, ambient);
      spec.workloads.push(app('batch', { proxy: 'none', annotations: { 'ambient.istio.io/redirection': 'disabled' } }));
    }, '1.21.6'),
    expect: healthy({ pods: { sidecars: 0, ambient: 5 } }),
  },
  {
    name: 'a pod asks by its own label before 1.22, where it says nothing',
    facts: 'cni/pkg/util/podutil.go of 1.21',
    spec: changedAmbient((spec, ambient) => {
      asInstalled(spec, ambient);
      spec.namespaces.other = {};
      spec.workloads.push(
        app('batch', { namespace: 'other', proxy: 'none', labels: { 'istio.io/dataplane-mode': 'ambient' } }),
      );
    }, '1.21.6'),
    expect: healthy(),
  },
  {
    name: 'the agents’ own selectors name other labels',
    facts: 'cni/pkg/util/enablement_selector.go',
    spec: changedAmbient((spec, { settings }) => {
      spec.namespaces.shop = { mesh: 'yes' };
      if (settings)
        settings.AMBIENT_ENABLEMENT_SELECTOR = '- namespaceSelector:\n    matchLabels:\n      mesh: "yes"\n';
    }),
    expect: healthy({ pods: { sidecars: 0, ambient: 5 } }),
  },
  {
    name: 'a connection through a waypoint is three series',
    facts: 'istio/ztunnel#1128',
    spec: changedAmbient((spec) => {
      for (const each of spec.calls) if (each.to === 'cart-v1') each.codes = { '200': 5000 };
    }),
    expect: healthy(),
  },
  {
    name: 'TCP through a waypoint has no destination workload',
    facts: 'istio/istio#53593',
    spec: changedAmbient((spec, { waypoints: [waypoint] }) => {
      for (const each of spec.services) if (each.name === 'db') each.labels = { 'istio.io/use-waypoint': 'waypoint' };
      if (waypoint)
        waypoint.page = {
          rewrite: (text) =>
            text.replaceAll(
              /^(istio_tcp_.*destination_workload=")db-v1(".*)$/gm,
              (_, before, after) => `${before}unknown${after}`,
            ),
        };
    }),
    command: 'missing-metrics service/db -n shop',
    expect: healthy(),
  },
  {
    name: 'connections in ambient are as old as their pods',
    facts: 'modern.md 5.20',
    spec: changedAmbient((spec) => {
      spec.prometheus.still = true;
    }),
    expect: healthy({ verdict: ['inconclusive', 'healthy'], exitCode: [3, 0] }),
  },
  {
    name: 'ambient has no waypoint, and nobody asks for one',
    facts: 'modern.md 5.26',
    spec: changedAmbient(withoutWaypoints),
    expect: healthy(),
  },
];
