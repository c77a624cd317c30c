import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { answer } from '../support/promql.ts';
import type { RecordedObject, Recording } from '../support/recordings.ts';
import type { TestCluster } from './cluster.ts';

const BUILT_IN: Record<string, string> = {
  Pod: 'pods',
  Service: 'services',
  ConfigMap: 'configmaps',
  Namespace: 'namespaces',
};

/** The path of a kind's list, in its namespace. */
function pathOf({ apiVersion, kind, metadata }: RecordedObject, plurals: ReadonlyMap<string, string>): string {
  const prefix = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const plural = BUILT_IN[kind] ?? (kind === 'Deployment' ? 'deployments' : plurals.get(kind));
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${prefix}${scope}/${plural}`;
}

/** A schema that takes anything: what a CRD of Istio 1.0 had. */
const anyVersion = (name: string) => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
});

/** What the API server of today refuses of an object that was recorded elsewhere, or gives by itself. */
function admitted(object: RecordedObject): RecordedObject {
  const { status: _, ...rest } = structuredClone(object);
  if (rest.kind === 'Service' && rest.spec) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete rest.spec[field];
  }
  return rest;
}

/** Serves the recorded pages of each pod's port on a loopback port of its own. */
async function servePages(recording: Recording): Promise<{ ports: Map<string, number>; servers: Server[] }> {
  const ports = new Map<string, number>();
  const servers: Server[] = [];
  for (const key of new Set(
    [...recording.pages.keys()].map((page) => page.slice(0, page.indexOf('/', page.indexOf(':')))),
  )) {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://x');
      const promql = url.searchParams.get('query');
      if (url.pathname === '/api/v1/query' && promql !== null) return response.end(answer(recording, promql));
      const page = recording.pages.get(`${key}${url.pathname}`);
      // With a length: kwok does not pass on that a server closed.
      return page
        ? response.writeHead(page.status, { 'content-type': page.contentType }).end(page.body)
        : response.writeHead(404).end('404\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.set(key, (server.address() as AddressInfo).port);
    servers.push(server);
  }
  return { ports, servers };
}

/** A port where nothing listens: connection refused. */
const CLOSED = 1;

/** What kwok forwards and logs for each pod of the recording. */
function kubeletConfig(cluster: TestCluster, recording: Recording, ports: ReadonlyMap<string, number>): string {
  const pods = recording.objects.filter(({ kind }) => kind === 'Pod');
  const kind = (kind: string, { metadata }: RecordedObject, spec: object) => ({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind,
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec,
  });
  const documents = pods.flatMap((pod) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const asked = new Set([9090, 9093, 15000, 15014, 15090, 42422]);
    const forwards = [...asked].map((port) => ({
      ports: [port],
      target: { address: '127.0.0.1', port: ports.get(`${name}:${port}`) ?? CLOSED },
    }));
    const logs = [...recording.logs].filter(([key]) => key.startsWith(`${name}/`));
    return [
      kind('PortForward', pod, { forwards }),
      ...(logs.length > 0
        ? [
            kind('Logs', pod, {
              logs: logs.map(([key, text]) => {
                const file = join(cluster.folder, `${key.replaceAll('/', '_')}.log`);
                // The format in which a kubelet finds logs on its disk.
                const lines = text
                  .trimEnd()
                  .split('\n')
                  .map((line) => `2026-11-22T04:00:00.000000001Z stdout F ${line}`);
                writeFileSync(file, `${lines.join('\n')}\n`);
                return { containers: [key.slice(name.length + 1)], logsFile: file };
              }),
            }),
          ]
        : []),
    ];
  });
  const file = join(cluster.folder, 'kubelet.yaml');
  writeFileSync(file, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
  return file;
}

/** Loads a recording into a cluster: kinds, objects, pods with their status, pages, logs. Resolves to what ends the pages. */
export async function load(cluster: TestCluster, recording: Recording): Promise<() => Promise<void>> {
  const { api } = cluster;
  const { ports, servers } = await servePages(recording);
  await cluster.startKubelet(kubeletConfig(cluster, recording, ports));

  const crds = recording.objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const plurals = new Map<string, string>();
  for (const { metadata, spec } of crds) {
    const { group, names, versions } = spec as {
      group: string;
      names: { plural: string; kind: string };
      versions: { name: string }[];
    };
    plurals.set(names.kind, names.plural);
    await api('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: metadata.name },
      spec: {
        group,
        scope: 'Namespaced',
        names: { ...names, singular: names.kind.toLowerCase(), listKind: `${names.kind}List` },
        versions: versions.slice(0, 1).map(({ name }) => anyVersion(name)),
      },
    });
  }
  await api('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  await api('PATCH', '/api/v1/nodes/node-1/status', {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: 'True' }],
      daemonEndpoints: { kubeletEndpoint: { Port: cluster.kubeletPort } },
    },
  });
  for (const namespace of recording.objects.filter(({ kind }) => kind === 'Namespace')) {
    const { status } = await api('POST', '/api/v1/namespaces', admitted(namespace), [201, 409]);
    if (status === 409)
      await api('PATCH', `/api/v1/namespaces/${namespace.metadata.name}`, {
        metadata: { labels: namespace.metadata.labels ?? {} },
      });
  }
  const others = recording.objects.filter(
    ({ kind }) => !['CustomResourceDefinition', 'Namespace', 'Node'].includes(kind),
  );
  for (const object of others) {
    const path = pathOf(object, plurals);
    // A kind is served a moment after its definition.
    for (let attempt = 0; ; attempt++) {
      const { status } = await api('POST', path, admitted(object), [201, 404, 409]);
      if (status !== 404) break;
      if (attempt > 100) throw new Error(`${path} is not served`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (object.kind === 'Pod') await api('PATCH', `${path}/${object.metadata.name}/status`, { status: object.status });
  }
  return async () => {
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };
}
