import type { Ambient } from '../../ambient/spec.ts';
import { STEPS } from '../../expectation.ts';
import { object } from '../../objects.ts';
import { app, type Spec, workload } from '../../spec.ts';
import { type Cause, healthy, lost, lostOrMeant, warned } from '../cause.ts';
import { changedAmbient, nodeOf, onPage, serving, WITHOUT_SELECTORS, withoutWaypoints } from './changed.ts';

/** Nothing but this one step is to blame. */
const OTHERS = STEPS.filter((step) => step !== 'enrolled');
const alone = (reason: readonly string[]) => lost('enrolled', reason, { neverFail: OTHERS });

/** Where pods are not in the mesh ztunnels count nothing of theirs; whoever made the labels waits for all of it. */
function untaken(spec: Spec, ...names: readonly string[]): void {
  for (const name of names) workload(spec, name).redirection = null;
}

/** All of the shop runs on one node, and prices alone on another. */
function pricesAlone(spec: Spec, node: string): void {
  withoutWaypoints(spec);
  workload(spec, 'web-v1').node = 'node-1';
  workload(spec, 'prices-v1').node = node;
}

/** A DaemonSet that wants pods on nodes, and has none. */
const withoutPods = (name: string) =>
  object(
    'apps/v1',
    'DaemonSet',
    { name, namespace: 'istio-system' },
    {
      spec: { template: { spec: { priorityClassName: 'system-node-critical' } } },
      status: { desiredNumberScheduled: 2, currentNumberScheduled: 0, numberReady: 0 },
    },
  );

const exclude = ({ settings }: Ambient): void => {
  if (settings) settings.EXCLUDE_NAMESPACES = 'kube-system, shop';
};

const ALL = ['web-v1', 'cart-v1', 'prices-v1', 'db-v1'];

/** Pods that should be in ambient and are not, or only seem to be. */
export const enrolledCauses: readonly Cause[] = [
  {
    name: 'a pod is marked as redirected, and its ztunnel has no proxy for it',
    facts: 'istio/istio#61182',
    spec: changedAmbient((spec, ambient) => {
      for (const each of spec.calls) if (each.to === 'prices-v1') each.reporters = ['source'];
      onPage(ambient, 'node-2', { rewrite: serving(1), failed: { CONNECT: 512 } });
    }),
    expect: alone(['MarkedNotServed']),
  },
  {
    name: 'an agent gave up on pods that run when their node restarted',
    facts: 'istio/istio#55968',
    spec: changedAmbient((_, ambient) => {
      onPage(ambient, 'node-2', { rewrite: serving(0), without: /^istio_tcp_/ });
    }),
    expect: alone(['MarkedNotServed']),
  },
  {
    name: 'a ztunnel is not ready, though the agent beside it is',
    facts: 'istio/ztunnel#1674',
    spec: changedAmbient((spec, ambient) => {
      pricesAlone(spec, 'node-2');
      workload(spec, 'prices-v1').redirection = 'pending';
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isReady = false;
    }),
    expect: alone(['ZtunnelNotReady', 'RedirectionPending']),
  },
  {
    name: 'a ztunnel is not ready any more, and its pods are marked',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((_, ambient) => {
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isReady = false;
    }),
    expect: alone(['ZtunnelNotReady']),
  },
  {
    name: 'a taint keeps ztunnel and the agent from a node',
    facts: 'istio/istio#57788',
    spec: changedAmbient((spec) => {
      pricesAlone(spec, 'node-5');
      untaken(spec, 'prices-v1');
    }),
    expect: alone(['NoZtunnel', 'NotRedirected']),
  },
  {
    name: 'a nodeSelector keeps the agent from a node',
    facts: 'istio/istio#57788',
    spec: changedAmbient((spec, ambient) => {
      pricesAlone(spec, 'node-2');
      untaken(spec, 'prices-v1');
      nodeOf(ambient, 'node-2').agent = null;
    }),
    expect: alone(['NoNodeAgent', 'NotRedirected']),
  },
  {
    name: 'an agent is not ready',
    facts: 'cni/pkg/nodeagent/server.go',
    spec: changedAmbient((spec, ambient) => {
      pricesAlone(spec, 'node-2');
      untaken(spec, 'prices-v1');
      nodeOf(ambient, 'node-2').agent = { isReady: false };
    }),
    expect: alone(['NodeAgentNotReady', 'NotRedirected']),
  },
  {
    name: 'both DaemonSets of ambient are there without pods',
    facts: 'istio/istio#34371',
    spec: changedAmbient((spec, { nodes }) => {
      withoutWaypoints(spec);
      untaken(spec, ...ALL);
      for (const each of Object.values(nodes)) Object.assign(each, { ztunnel: null, agent: null });
      spec.objects.push(withoutPods('ztunnel'), withoutPods('istio-cni-node'));
    }),
    expect: alone(['NoZtunnel', 'NotRedirected']),
  },
  {
    name: 'nobody installed what runs on the nodes',
    facts: 'istio/istio#34371',
    spec: changedAmbient((spec, ambient) => {
      withoutWaypoints(spec);
      untaken(spec, ...ALL);
      ambient.settings = null;
      for (const each of Object.values(ambient.nodes)) Object.assign(each, { ztunnel: null, agent: null });
    }),
    expect: alone(['NoZtunnel', 'NotRedirected']),
  },
  {
    name: 'an agent could not redirect a pod, and tries no more',
    facts: 'informers.go, ErrNonRetryableAdd',
    spec: changedAmbient((spec) => {
      untaken(spec, 'prices-v1');
    }),
    expect: alone(['NotRedirected']),
  },
  {
    name: 'ztunnel does not take the pods that an agent hands over',
    facts: 'modern.md 5.29',
    spec: changedAmbient((spec, ambient) => {
      workload(spec, 'prices-v1').redirection = 'pending';
      onPage(ambient, 'node-2', { pending: 1 });
    }),
    expect: lost('enrolled', ['RedirectionPending'], { neverFail: OTHERS.filter((step) => step !== 'ztunnel-emits') }),
  },
  {
    name: 'the agents leave out the namespace that asks for ambient',
    facts: 'informers.go, excludeNamespaces',
    spec: changedAmbient((spec, ambient) => {
      withoutWaypoints(spec);
      untaken(spec, ...ALL);
      exclude(ambient);
    }),
    expect: lostOrMeant('enrolled', ['NamespaceExcluded']),
  },
  {
    name: 'the agents of 1.28 leave out a namespace for sidecars alone',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((_, ambient) => exclude(ambient), '1.28.2'),
    expect: healthy({ pods: { sidecars: 0, ambient: 5 } }),
  },
  {
    name: 'istio-cni was installed for sidecars alone',
    facts: 'values.yaml, ambient.enabled',
    spec: changedAmbient((spec, ambient) => {
      withoutWaypoints(spec);
      untaken(spec, ...ALL);
      ambient.settings = { ...WITHOUT_SELECTORS, AMBIENT_ENABLED: 'false' };
    }),
    expect: alone(['AmbientOff']),
  },
  {
    name: 'istiod does not look at a namespace in ambient',
    facts: 'istio/istio#54969',
    spec: changedAmbient((spec) => {
      spec.mesh.discoverySelectors = [
        { matchLabels: { mesh: 'on' } },
        { matchLabels: { 'kubernetes.io/metadata.name': 'istio-system' } },
      ];
    }),
    expect: lost('enrolled', ['NamespaceNotDiscovered']),
  },
  {
    name: 'istiod does not look at the namespace of the ztunnels',
    facts: 'istio/istio#52057',
    spec: changedAmbient((spec) => {
      spec.mesh.discoverySelectors = [{ matchLabels: { 'istio.io/dataplane-mode': 'ambient' } }];
    }),
    expect: lost('enrolled', ['ZtunnelNotDiscovered']),
  },
  {
    name: 'kube-system asks for ambient, and the agents leave it out',
    facts: 'modern.md 5.32',
    spec: changedAmbient((spec) => {
      spec.namespaces['kube-system'] = { 'istio.io/dataplane-mode': 'ambient' };
    }),
    expect: warned('enrolled', ['NamespaceExcluded']),
  },
  {
    name: 'the agents’ own selectors ask for another label than the namespace has',
    facts: 'cni/pkg/util/enablement_selector.go',
    spec: changedAmbient((spec, { settings }) => {
      withoutWaypoints(spec);
      untaken(spec, ...ALL);
      if (settings)
        settings.AMBIENT_ENABLEMENT_SELECTOR = '- namespaceSelector:\n    matchLabels:\n      mesh: "yes"\n';
    }),
    expect: lostOrMeant('enrolled', ['NamespaceNotSelected']),
  },
  {
    name: 'the agents’ own selectors name labels of pods that they left out',
    facts: 'cni/pkg/util/enablement_selector.go',
    spec: changedAmbient((spec, { settings }) => {
      spec.namespaces.shop = {};
      for (const name of ALL) workload(spec, name).labels.mesh = 'yes';
      untaken(spec, 'prices-v1');
      if (settings) settings.AMBIENT_ENABLEMENT_SELECTOR = '- podSelector:\n    matchLabels:\n      mesh: "yes"\n';
    }),
    expect: alone(['NotRedirected']),
  },
  {
    name: 'a pod asks for ambient in a namespace that opts out',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec) => {
      spec.namespaces.other = { 'istio.io/dataplane-mode': 'none' };
      spec.workloads.push(
        app('batch', {
          namespace: 'other',
          proxy: 'ambient',
          redirection: null,
          labels: { 'istio.io/dataplane-mode': 'ambient' },
        }),
      );
    }),
    expect: alone(['NotRedirected']),
  },
  {
    name: 'a namespace spells ambient otherwise',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((spec) => {
      spec.namespaces.other = { 'istio.io/dataplane-mode': 'Ambient' };
      spec.workloads.push(app('batch', { namespace: 'other', proxy: 'none' }));
    }),
    expect: warned('enrolled', ['ModeUnknown']),
  },
];
