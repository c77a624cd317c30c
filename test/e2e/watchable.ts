import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, listening } from '../support/loopback.ts';
import type { RecordedObject } from '../support/recordings.ts';

/** Kinds that need no definition, by the group and plural of their list. */
const BUILT_IN: Record<string, string> = {
  '/namespaces': 'Namespace',
  '/pods': 'Pod',
  '/services': 'Service',
  '/configmaps': 'ConfigMap',
  '/secrets': 'Secret',
  '/nodes': 'Node',
  'apps/deployments': 'Deployment',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': 'MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/validatingwebhookconfigurations': 'ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/customresourcedefinitions': 'CustomResourceDefinition',
};

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

/** The kind of each list's objects, by group and plural. */
function kindsOf(objects: readonly RecordedObject[]): ReadonlyMap<string, string> {
  const kinds = new Map(Object.entries(BUILT_IN));
  for (const { kind, spec } of objects) {
    if (kind !== 'CustomResourceDefinition') continue;
    const { group, names } = spec as { group: string; names: { plural: string; kind: string } };
    kinds.set(`${group}/${names.plural}`, names.kind);
  }
  return kinds;
}

/** What a client in Go takes that watches: typed lists, and watches that tell of no change. */
export interface Watchable {
  kubeconfig: string;
  close(): Promise<void>;
}

const answer = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const missing = (response: ServerResponse): void =>
  answer(response, 404, { apiVersion: 'v1', kind: 'Status', status: 'Failure', code: 404, reason: 'NotFound' });

/** An API server of these objects. */
export async function startWatchable(objects: readonly RecordedObject[]): Promise<Watchable> {
  const kinds = kindsOf(objects);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (url.pathname === '/version') return answer(response, 200, { major: '1', minor: '36', gitVersion: 'v1.36.2' });
    const [, group = '', version, namespace, plural = '', name] =
      /^\/api(?:s\/([^/]+))?\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const kind = kinds.get(`${group}/${plural}`);
    if (kind === undefined) return missing(response);
    // In whatever version it is asked: istioctl 1.31 waits for ever where a CRD of before 1.22 has no v1.
    const apiVersion = group === '' ? 'v1' : `${group}/${version}`;
    const field = url.searchParams.get('fieldSelector') ?? '';
    const items = objects
      .filter((each) => each.kind === kind && groupOf(each.apiVersion) === group)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .filter(({ metadata }) => !field.startsWith('metadata.name=') || field === `metadata.name=${metadata.name}`)
      .map((each) => ({ ...each, apiVersion }));
    if (name !== undefined) {
      const found = items.find(({ metadata }) => metadata.name === name);
      return found ? answer(response, 200, found) : missing(response);
    }
    if (url.searchParams.get('watch') !== null) {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return;
    }
    const partial = /as=PartialObjectMetadataList/.test(request.headers.accept ?? '');
    const meta = { apiVersion: 'meta.k8s.io/v1' };
    answer(response, 200, {
      ...(partial ? { ...meta, kind: 'PartialObjectMetadataList' } : { apiVersion, kind: `${kind}List` }),
      metadata: { resourceVersion: '1' },
      items: partial ? items.map(({ metadata }) => ({ ...meta, kind: 'PartialObjectMetadata', metadata })) : items,
    });
  });
  const port = await listening(server);
  const folder = mkdtempSync(join(tmpdir(), 'watchable-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'mesh',
      clusters: [{ name: 'mesh', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'sre', user: {} }],
      contexts: [{ name: 'mesh', context: { cluster: 'mesh', user: 'sre' } }],
    }),
  );
  return {
    kubeconfig,
    async close() {
      await ended(server);
      rmSync(folder, { recursive: true });
    },
  };
}
