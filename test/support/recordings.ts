import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A recorded mesh: what is broken in it, its objects, its pages, its logs. */
export interface Recording {
  /** `istio-1.0.6/healthy`. */
  name: string;
  /** What scenario.json says is broken; null for a healthy mesh. */
  broken: string | null;
  objects: RecordedObject[];
  /** By `NAMESPACE/POD:PORT/PATH`. */
  pages: Map<string, Page>;
  /** By `NAMESPACE/POD/CONTAINER`. */
  logs: Map<string, string>;
  /** Instant queries that were recorded, by their text. */
  queries: Record<string, unknown>;
}

export interface RecordedObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    ownerReferences?: object[];
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
}

export interface Page {
  status: number;
  contentType: string;
  body: string | Buffer;
}

const folder = join(import.meta.dirname, '../recordings');

export const recordingNames = (): readonly string[] =>
  readdirSync(folder)
    .sort()
    .flatMap((release) =>
      readdirSync(join(folder, release))
        .sort()
        .map((scenario) => `${release}/${scenario}`),
    );

export const filesBelow = (path: string): string[] =>
  existsSync(path)
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile())
        .map((each) => join(each.parentPath, each.name))
    : [];

export function loadRecording(name: string): Recording {
  const here = join(folder, name);
  const read = (file: string): string => readFileSync(file, 'utf8');
  const scenario = JSON.parse(read(join(here, 'scenario.json'))) as { expect: { broken: string | null } };
  const pages = new Map<string, Page>();
  let queries: Record<string, unknown> = {};
  for (const file of filesBelow(join(here, 'http'))) {
    const [namespace, pod, port, ...path] = file.slice(join(here, 'http').length + 1).split('/');
    if (path[0] === 'queries.json') queries = JSON.parse(read(file)) as Record<string, unknown>;
    else {
      const contentType = path[0] === 'api' ? 'application/json' : 'text/plain; version=0.0.4';
      pages.set(`${namespace}/${pod}:${port}/${path.join('/')}`, { status: 200, contentType, body: read(file) });
    }
  }
  const logs = new Map(
    filesBelow(join(here, 'logs')).map((file) => [
      file.slice(join(here, 'logs').length + 1).replace(/\.log$/, ''),
      read(file),
    ]),
  );
  const { items } = JSON.parse(read(join(here, 'cluster.json'))) as { items: RecordedObject[] };
  return { name, broken: scenario.expect.broken, objects: items, pages, logs, queries };
}
