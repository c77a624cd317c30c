import type { Enrolled, Member } from '../../src/evidence/ambient/enrolled.ts';
import type { AmbientNode } from '../../src/evidence/ambient/nodes.ts';
import type { AgentSettings } from '../../src/evidence/ambient/settings.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { DEFAULT_ENROLMENT } from '../../src/istio/enrolment.ts';
import { container, pod } from './mixer.ts';

/** The smallest evidence of a healthy ambient; each test changes what it is about. */

export const ztunnelPod = (change: Partial<Pod> = {}): Pod =>
  pod({
    name: 'ztunnel-x1',
    labels: { app: 'ztunnel' },
    owner: { kind: 'DaemonSet', name: 'ztunnel' },
    containers: [container('istio-proxy', 'istio/ztunnel:1.31.0', { args: ['proxy', 'ztunnel'] })],
    ...change,
  });

export const agentPod = (change: Partial<Pod> = {}): Pod =>
  pod({
    name: 'istio-cni-node-x1',
    labels: { 'k8s-app': 'istio-cni-node' },
    owner: { kind: 'DaemonSet', name: 'istio-cni-node' },
    containers: [container('install-cni', 'istio/install-cni:1.31.0')],
    ...change,
  });

/** A pod of an application’s Deployment. */
export const carriedPod = (app: string, change: Partial<Pod> = {}): Pod =>
  pod({
    name: `${app}-5d4-x1`,
    namespace: 'shop',
    labels: { app, 'pod-template-hash': '5d4' },
    owner: { kind: 'ReplicaSet', name: `${app}-5d4` },
    containers: [container(app, `${app}:1`)],
    ...change,
  });

export const ambientNode = (change: Partial<AmbientNode> = {}): AmbientNode => ({
  ztunnel: ztunnelPod(),
  agent: agentPod(),
  ...change,
});

export const member = (app: string, change: Partial<Omit<Member, 'pod'>> & { pod?: Partial<Pod> } = {}): Member => ({
  redirection: 'enabled',
  node: ambientNode(),
  isYoung: false,
  ...change,
  pod: carriedPod(app, change.pod),
});

export const enrolledOf = (members: readonly Member[], change: Partial<Enrolled> = {}): Enrolled => ({
  members,
  kept: [],
  waypoints: [],
  ztunnels: [...new Set(members.flatMap(({ node: { ztunnel } }) => ztunnel ?? []))],
  nodes: new Map(members.flatMap(({ pod: { node }, node: what }) => (node === null ? [] : [[node, what] as const]))),
  namespaces: new Map([['shop', { 'istio.io/dataplane-mode': 'ambient' }]]),
  unasked: [],
  refusal: null,
  ...change,
});

export const settingsOf = (change: Partial<AgentSettings> = {}): AgentSettings => ({
  ...DEFAULT_ENROLMENT,
  isAmbient: true,
  isDns: true,
  namespace: 'istio-system',
  ...change,
});
