import { app, workload } from '../../spec.ts';
import { type Cause, healthy, lost } from '../cause.ts';
import { changedAmbient, nodeOf, WITHOUT_SELECTORS } from './changed.ts';

const opened = changedAmbient((spec) => {
  spec.namespaces.other = {};
  spec.workloads.push(
    app('batch', { namespace: 'other', proxy: 'none' }),
    app('idle', { proxy: 'ambient' }),
    app('shy', { proxy: 'none', labels: { 'istio.io/dataplane-mode': 'none' } }),
    app('watch', { proxy: 'none', hostNetwork: true }),
    app('stuck', { proxy: 'ambient', redirection: 'pending' }),
    app('far', { proxy: 'ambient', redirection: null, node: 'node-9' }),
  );
});

/** Who names it asks for its requests, which no ztunnel counts. */
const asksForRequests = lost('waypoint', ['NoWaypoint']);

const one = (name: string, command: string, expect: Cause['expect']): Cause => ({
  name,
  facts: 'product.md 9',
  spec: opened,
  command: `missing-metrics ${command}`,
  expect,
});

/** One workload is asked for, in a mesh in which others are lost. */
export const oneInAmbientCauses: readonly Cause[] = [
  one('a workload in ambient is asked for, and others are lost', 'deployment/prices-v1 -n shop', asksForRequests),
  one('a workload behind a waypoint is asked for', 'deployment/cart-v1 -n shop', healthy()),
  one('a Service in ambient is asked for', 'service/web -n shop', asksForRequests),
  one('a database in ambient is asked for', 'deployment/db-v1 -n shop', healthy()),
  one('a workload outside ambient is asked for', 'deployment/batch-v1 -n other', lost('enrolled', ['NotAsked'])),
  one(
    'a workload in ambient that nobody has called is asked for',
    'deployment/idle-v1 -n shop',
    healthy({ verdict: ['inconclusive', 'healthy'], exitCode: [3, 0] }),
  ),
  one('a workload that opts out is asked for', 'deployment/shy-v1 -n shop', lost('enrolled', ['OptedOut'])),
  one(
    'a workload on its node’s network is asked for',
    'deployment/watch-v1 -n shop',
    lost('enrolled', ['HostNetwork']),
  ),
  one(
    'a workload that waits for its ztunnel is asked for',
    'deployment/stuck-v1 -n shop',
    lost('enrolled', ['RedirectionPending']),
  ),
  one(
    'a workload on a node without ztunnel is asked for',
    'deployment/far-v1 -n shop',
    lost('enrolled', ['NoZtunnel', 'NotRedirected']),
  ),
  one('the ztunnels are asked for', 'daemonset/ztunnel -n istio-system', healthy()),
  one('a ztunnel is asked for by its name', 'pod/ztunnel-92d70 -n istio-system', healthy()),
  one(
    'the agents of istio-cni are asked for',
    'daemonset/istio-cni-node -n istio-system',
    healthy({ verdict: 'not-applicable', exitCode: 4 }),
  ),
  one('pods by their labels are asked for', '-n shop -l app=cart', healthy()),
  one(
    'pods by their labels are asked for that are lost',
    '-n shop -l app=stuck',
    lost('enrolled', ['RedirectionPending']),
  ),
  one('a namespace outside is asked for', '-n other', healthy({ verdict: 'not-applicable', exitCode: 4 })),
  {
    name: 'a workload is asked for that an excluded namespace has',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec, { settings }) => {
      for (const each of ['web-v1', 'cart-v1', 'prices-v1', 'db-v1']) workload(spec, each).redirection = null;
      if (settings) settings.EXCLUDE_NAMESPACES = 'shop';
    }),
    command: 'missing-metrics deployment/prices-v1 -n shop',
    expect: lost('enrolled', ['NamespaceExcluded']),
  },
  {
    name: 'a workload is asked for whose label the agents do not go by',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec, { settings }) => {
      for (const each of ['web-v1', 'cart-v1', 'prices-v1', 'db-v1']) workload(spec, each).redirection = null;
      if (settings) settings.AMBIENT_ENABLEMENT_SELECTOR = '- podSelector:\n    matchLabels:\n      mesh: "yes"\n';
    }),
    command: 'missing-metrics deployment/prices-v1 -n shop',
    expect: lost('enrolled', ['NotSelected']),
  },
  {
    name: 'a workload opted out by the annotation of its release is asked for',
    facts: 'cni/pkg/util/podutil.go of 1.21',
    spec: changedAmbient((spec, ambient) => {
      ambient.settings = {};
      spec.workloads.push(app('shy', { proxy: 'none', annotations: { 'ambient.istio.io/redirection': 'disabled' } }));
    }, '1.21.6'),
    command: 'missing-metrics deployment/shy-v1 -n shop',
    expect: lost('enrolled', ['OptedOut']),
  },
  {
    name: 'a ztunnel that is not ready is asked for by its name',
    facts: 'istio/ztunnel#1674',
    spec: changedAmbient((_, ambient) => {
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isReady = false;
    }),
    command: 'missing-metrics pod/ztunnel-c4744 -n istio-system',
    expect: lost('enrolled', ['ZtunnelNotReady']),
  },
  {
    name: 'a ztunnel that is connected to no istiod is asked for by its name',
    facts: 'modern.md 5.28',
    spec: changedAmbient((_, ambient) => {
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isConnected = false;
    }),
    command: 'missing-metrics pod/ztunnel-c4744 -n istio-system',
    expect: lost('ztunnel-emits', ['ZtunnelDisconnected']),
  },
  {
    name: 'a workload is asked for where the agents enrol nobody',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec, ambient) => {
      for (const each of ['web-v1', 'cart-v1', 'prices-v1', 'db-v1']) workload(spec, each).redirection = null;
      ambient.settings = { ...WITHOUT_SELECTORS, AMBIENT_ENABLED: 'false' };
    }),
    command: 'missing-metrics deployment/prices-v1 -n shop',
    expect: lost('enrolled', ['AmbientOff']),
  },
  {
    name: 'a workload outside is asked for, in a mesh with sidecars and ambient',
    facts: 'product.md 9',
    spec: changedAmbient((spec) => {
      spec.namespaces.other = {};
      spec.namespaces.bank = { 'istio-injection': 'enabled' };
      spec.workloads.push(app('batch', { namespace: 'other', proxy: 'none' }), app('pay', { namespace: 'bank' }));
    }),
    command: 'missing-metrics deployment/batch-v1 -n other',
    expect: lost('in-mesh', ['NotAsked']),
  },
  {
    name: 'an excluded workload is asked for, in a mesh with sidecars and ambient',
    facts: 'product.md 9',
    spec: changedAmbient((spec, { settings }) => {
      spec.namespaces.other = { 'istio.io/dataplane-mode': 'ambient' };
      spec.namespaces.bank = { 'istio-injection': 'enabled' };
      spec.workloads.push(app('batch', { namespace: 'other', proxy: 'none' }), app('pay', { namespace: 'bank' }));
      if (settings) settings.EXCLUDE_NAMESPACES = 'other';
    }),
    command: 'missing-metrics deployment/batch-v1 -n other',
    expect: lost('enrolled', ['NamespaceExcluded']),
  },
];
