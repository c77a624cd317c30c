import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { calls } from '../../src/evidence/istio/calls.ts';
import { clientTls, peerAuthentications, spokenTo } from '../../src/evidence/istio/mtls.ts';
import { answersOn, behind } from '../../src/evidence/istio/servers.ts';
import { allPods, allServices } from '../../src/evidence/kubernetes/lists.ts';
import { targetOf } from '../../src/evidence/kubernetes/service.ts';
import { hasLabels } from '../../src/istio/destination-rules.ts';
import { hostOf } from '../../src/istio/hosts.ts';
import { indexPeerAuthentications, mtlsModeOf } from '../../src/istio/mtls.ts';
import { drawing } from '../support/lookup.ts';
import { PRODUCTPAGE, podObject } from '../support/modern.ts';
import { askOf } from './asking.ts';
import { type Istio, startIstio } from './istio.ts';

/** `MTLS_SEED=7 npm run e2e -- mtls` tries others. */
const SEED = Number(process.env.MTLS_SEED ?? 1);
const SERVICES = 60;

const POD_LABELS = { mesh: 'mtls' };
const SIDECAR = { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'sidecar'] };
const APP = { name: 'app', image: 'app:1', ports: [{ containerPort: 8080, name: 'app' }] };
const server = (
  name: string,
  ip: string,
  proxied: boolean,
  version: string,
  label: string | null = proxied ? 'istio' : null,
) => {
  const labels: Record<string, string> = {
    ...POD_LABELS,
    version,
    ...(proxied && { proxied: 'yes' }),
    ...(proxied === (label === 'istio') && { told: 'yes' }),
    ...(label !== null && { 'security.istio.io/tlsMode': label }),
  };
  const containers = [APP, ...(proxied ? [SIDECAR] : [])];
  return { name, ip, labels, object: podObject(name, { namespace: 'bookinfo', labels, containers, ip }) };
};
const SERVERS = [
  server('server-1', '10.244.0.31', true, 'v1'),
  server('server-2', '10.244.0.32', true, 'v2'),
  server('server-3', '10.244.0.33', false, 'v1'),
  server('server-4', '10.244.0.34', true, 'v2', 'disabled'),
  server('server-5', '10.244.0.35', true, 'v1', null),
  server('server-6', '10.244.0.36', false, 'v2', 'istio'),
];

const object = (kind: string, name: string, spec: object, namespace = 'bookinfo') => ({
  apiVersion: kind === 'PeerAuthentication' ? 'security.istio.io/v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace, labels: { made: 'mtls' } },
  spec,
});

/** A Service of some of the servers, and what a rule says of it. */
function serviceOf(index: number): readonly object[] {
  const draw = drawing(SEED * 1000 + index);
  const name = `s${index}`;
  const selector = draw.any<Record<string, string>>([
    POD_LABELS,
    POD_LABELS,
    { proxied: 'yes' },
    { proxied: 'yes', told: 'yes' },
    { proxied: 'yes', told: 'yes' },
  ]);
  const ports = [
    { name: 'tcp-80', port: 80, targetPort: draw.chance(0.5) ? 'app' : 8080 },
    { name: 'tcp-81', port: 81, targetPort: 8081 },
  ];
  const mode = () => draw.any(['DISABLE', 'SIMPLE', 'ISTIO_MUTUAL']);
  const policy = () => ({
    ...(draw.chance(0.5) && { tls: { mode: mode() } }),
    ...(draw.chance(0.5) && {
      portLevelSettings: [
        {
          port: { number: draw.any([80, 81]) },
          ...(draw.chance(0.6) ? { tls: { mode: mode() } } : { connectionPool: { tcp: { maxConnections: 9 } } }),
        },
      ],
    }),
  });
  const subset = (version: string) => ({
    name: version,
    labels: { version },
    ...(draw.chance(0.7) && { trafficPolicy: policy() }),
  });
  const rules = Array.from({ length: draw.any([0, 1, 1, 1, 2]) }, (_, at) =>
    object('DestinationRule', `${name}-${at}`, {
      host: name,
      ...(draw.chance(0.7) && { trafficPolicy: policy() }),
      subsets: [subset('v1'), ...(draw.chance(0.5) ? [subset('v2')] : [])],
    }),
  );
  const leads = rules.length > 0 && draw.chance(0.5);
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'bookinfo', labels: { made: 'mtls' } },
      spec: {
        selector,
        ports,
        ...(draw.chance(0.3) && { clusterIP: 'None' }),
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'bookinfo', labels: { made: 'mtls', 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [
        { name: 'tcp-80', port: 8080, protocol: 'TCP' },
        { name: 'tcp-81', port: 8081, protocol: 'TCP' },
      ],
      endpoints: SERVERS.filter(({ labels }) => hasLabels(selector, labels)).map((each) => ({
        addresses: [each.ip],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: each.name, namespace: 'bookinfo' },
      })),
    },
    ...rules,
    ...(leads
      ? [
          object('VirtualService', name, {
            hosts: [name],
            tcp: [{ route: [{ destination: { host: name, subset: 'v1' } }] }],
          }),
        ]
      : []),
  ];
}

const strict = { mtls: { mode: 'STRICT' } };
const disabled = { mtls: { mode: 'DISABLE' } };
const selecting = (labels: object) => ({ selector: { matchLabels: labels } });
const page = selecting({ app: 'productpage' });
/** What pods take, one after another. */
const PEERS: readonly [what: string, peers: readonly object[]][] = [
  ['nothing is said', []],
  [
    'the namespace is strict, one port of a pod is not',
    [
      object('PeerAuthentication', 'all', strict),
      object('PeerAuthentication', 'v2', {
        ...selecting({ version: 'v2' }),
        portLevelMtls: { 8081: { mode: 'DISABLE' } },
      }),
      object('PeerAuthentication', 'page', { ...page, portLevelMtls: { 9080: { mode: 'PERMISSIVE' } } }),
    ],
  ],
  [
    'the mesh is plain, one pod is not',
    [
      object('PeerAuthentication', 'mesh', disabled, 'istio-system'),
      object('PeerAuthentication', 'v1', { ...selecting({ version: 'v1' }), ...strict }),
    ],
  ],
  [
    'a rule of the root namespace selects',
    [
      object('PeerAuthentication', 'root', { ...page, ...strict }, 'istio-system'),
      object('PeerAuthentication', 'v1', { ...selecting(POD_LABELS), ...disabled }),
    ],
  ],
];

interface Socket {
  typed_config?: { common_tls_context?: { tls_certificate_sds_secret_configs?: { name: string }[] } };
}
interface Cluster {
  name: string;
  transport_socket?: Socket;
  transport_socket_matches?: unknown[];
}
interface Chain {
  filter_chain_match?: { destination_port?: number; transport_protocol?: string };
}
interface Told {
  clusters: ReadonlyMap<string, Cluster>;
  /** `CLUSTER ADDRESS` of the endpoints that are told to take mutual TLS. */
  mutual: ReadonlySet<string>;
  chains: readonly Chain[];
}

async function toldBy(port: number): Promise<{ told: Told; raw: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/config_dump?include_eds`, {
    signal: AbortSignal.timeout(10_000),
  });
  const { configs } = (await answer.json()) as {
    configs: {
      dynamic_active_clusters?: { cluster: Cluster }[];
      dynamic_endpoint_configs?: {
        endpoint_config: {
          cluster_name: string;
          endpoints?: {
            lb_endpoints?: {
              endpoint: { address: { socket_address?: { address: string } } };
              metadata?: { filter_metadata?: Record<string, { tlsMode?: string }> };
            }[];
          }[];
        };
      }[];
      dynamic_listeners?: { name: string; active_state?: { listener: { filter_chains?: Chain[] } } }[];
    }[];
  };
  const clusters = configs.flatMap((each) => (each.dynamic_active_clusters ?? []).map(({ cluster }) => cluster));
  const mutual = configs
    .flatMap((each) => each.dynamic_endpoint_configs ?? [])
    .flatMap(({ endpoint_config: { cluster_name, endpoints = [] } }) =>
      endpoints
        .flatMap(({ lb_endpoints = [] }) => lb_endpoints)
        .filter(({ metadata }) => metadata?.filter_metadata?.['envoy.transport_socket_match']?.tlsMode === 'istio')
        .map(({ endpoint }) => `${cluster_name} ${endpoint.address.socket_address?.address}`),
    );
  const inbound = configs.flatMap((each) => each.dynamic_listeners ?? []).find(({ name }) => name === 'virtualInbound')
    ?.active_state?.listener;
  const told = {
    clusters: new Map(clusters.map((each) => [each.name, each])),
    mutual: new Set(mutual),
    chains: inbound?.filter_chains ?? [],
  };
  return {
    told,
    raw: JSON.stringify([clusters.map((each) => JSON.stringify(each)).sort(), mutual.sort(), told.chains]),
  };
}

/** What an Envoy speaks to a pod: by its cluster's own TLS, or by what it is told of the endpoint. */
function spokenBy({ clusters, mutual }: Told, name: string, ip: string): 'plain' | 'mutual' | 'SIMPLE' | null {
  const cluster = clusters.get(name);
  if (!cluster) return null;
  if (cluster.transport_socket_matches?.length) return mutual.has(`${name} ${ip}`) ? 'mutual' : 'plain';
  const own = cluster.transport_socket?.typed_config?.common_tls_context;
  if (!own) return 'plain';
  return own.tls_certificate_sds_secret_configs?.some((each) => each.name === 'default') ? 'mutual' : 'SIMPLE';
}

describe(`Istio’s mutual TLS, seed ${SEED}, on a real istiod with a real Envoy`, () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio({ objects: SERVERS.map((each) => each.object) });
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
    for (let from = 0; from < SERVICES; from += 20)
      istio.apply(...Array.from({ length: 20 }, (_, index) => serviceOf(from + index)).flat());
  });
  after(() => istio?.close());

  /** Until everything is there, and nothing has changed for two seconds. */
  async function settled(): Promise<Told> {
    let before = '';
    let still = 0;
    for (let attempt = 0; attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { told, raw } = await toldBy(istio.ports.admin);
      still = raw === before ? still + 1 : 0;
      before = raw;
      const last = `outbound|80||s${SERVICES - 1}.bookinfo.svc.cluster.local`;
      if (still >= 4 && told.clusters.has(last) && told.mutual.size > 0) return told;
    }
    throw new Error('the Envoy does not come to rest');
  }

  const compared = { plain: 0, mutual: 0, other: 0, silent: 0 };
  for (const [what, peers] of PEERS) {
    it(`${what}: what is spoken to each pod, and what is taken`, async () => {
      if (peers.length > 0) istio.apply(...peers);
      const told = await settled();
      const kinds =
        'services,virtualservices,destinationrules,serviceentries,sidecars.networking.istio.io,peerauthentications,pods,configmaps';
      const { items } = JSON.parse(istio.kubectl('get', kinds, '-A', '-o', 'json')) as { items: KubernetesObject[] };
      const ask = askOf(items);
      const [tls, pods, services, { items: all }, { routing }] = await Promise.all([
        ask.from(clientTls),
        ask.from(allPods),
        ask.from(allServices),
        ask.from(peerAuthentications),
        ask.from(calls),
      ]);
      const rules = indexPeerAuthentications(all);
      const wrong: string[] = [];
      for (const each of tls.filter(({ service }) => /^s\d+$/.test(service.name))) {
        const cluster = `outbound|${each.port.port}|${each.subset?.name ?? ''}|${hostOf(each.service)}`;
        const own = pods.items.filter(({ namespace }) => namespace === each.service.namespace);
        for (const pod of behind(each.service, own, each.subset)) {
          const port = targetOf(each.port, pod);
          if (port === null) continue;
          const mode = mtlsModeOf(rules, pod, port, routing.root);
          const ours = each.said?.mode === 'SIMPLE' ? 'SIMPLE' : spokenTo(each, pod, mode);
          const theirs = spokenBy(told, cluster, pod.ip ?? '');
          compared[theirs === 'plain' || theirs === 'mutual' ? theirs : 'other']++;
          if (ours !== theirs)
            wrong.push(`${cluster} to ${pod.name}: Envoy ${theirs}, we ${ours} (${each.said?.mode ?? each.speaks})`);
        }
      }
      // Where we say nothing of a port, what is spoken is what is taken.
      const led = new Set(routing.virtualServices.map(({ name }) => name));
      for (const service of services.items.filter(({ name }) => /^s\d+$/.test(name) && !led.has(name))) {
        const own = pods.items.filter(({ namespace }) => namespace === service.namespace);
        for (const port of service.ports.filter(
          (each) => !tls.some((it) => it.service === service && it.port === each),
        ))
          for (const pod of behind(service, own)) {
            const target = targetOf(port, pod);
            if (target === null) continue;
            const mode = mtlsModeOf(rules, pod, target, routing.root);
            const theirs = spokenBy(told, `outbound|${port.port}||${hostOf(service)}`, pod.ip ?? '');
            const isSidecar = answersOn(pod, target) === 'sidecar';
            compared.silent++;
            if (theirs === 'mutual' ? !isSidecar || mode === 'DISABLE' : isSidecar && mode === 'STRICT')
              wrong.push(`${service.name} ${port.port} to ${pod.name}: Envoy ${theirs}, we nothing, ${mode}`);
          }
      }
      const taken = mtlsModeOf(
        rules,
        { namespace: 'bookinfo', labels: { app: 'productpage', version: 'v1' } },
        9080,
        routing.root,
      );
      const protocols = new Set(
        told.chains
          .filter(({ filter_chain_match: match }) => match?.destination_port === 9080)
          .map(({ filter_chain_match: match }) => match?.transport_protocol ?? ''),
      );
      const takesTls = protocols.has('tls');
      const takesPlain = protocols.has('raw_buffer') || protocols.has('');
      const theirs = takesTls ? (takesPlain ? 'PERMISSIVE' : 'STRICT') : 'DISABLE';
      if (taken !== theirs) wrong.push(`9080 of ${PRODUCTPAGE}: Envoy ${theirs}, we ${taken}`);
      if (peers.length > 0) istio.kubectl('delete', 'peerauthentications', '-A', '-l', 'made=mtls');
      assert.deepEqual(wrong, []);
    });
  }

  it('compared all that may be spoken', () => {
    process.stdout.write(`# ${JSON.stringify(compared)}\n`);
    assert.ok(compared.plain > 50 && compared.mutual > 50 && compared.other > 20 && compared.silent > 20);
  });
});
