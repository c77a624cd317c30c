import type { RecordedObject, Recording } from '../support/recordings.ts';
import type { TestCluster } from './cluster.ts';
import { admitted, DEFINITIONS, type Definition, definitionOf, isMadeApart, isWebhook, pathOf } from './load.ts';

/** A real API server that holds the objects of one mesh after the other: without their pages, kubelet and controllers. */
export interface Held {
  /** Holds these, as they are recorded, and none else; pods run only where that is asked for: it takes longer. */
  hold: (objects: readonly RecordedObject[], running?: boolean) => Promise<void>;
  /** What it holds now of the kinds that the meshes have, as its clients get it. */
  now: () => Promise<readonly RecordedObject[]>;
}

const NAMESPACES = '/api/v1/namespaces';

/** Defines every kind of these recordings. */
export async function holding({ api }: TestCluster, recordings: readonly Recording[]): Promise<Held> {
  const all = recordings.flatMap(({ objects }) => objects);
  const plurals = new Map<string, string>();
  const definitions = new Map<string, Definition>();
  for (const { kind, metadata, spec } of all) {
    if (kind !== 'CustomResourceDefinition') continue;
    const own = spec as unknown as Definition;
    const known = definitions.get(metadata.name)?.versions ?? [];
    const more = own.versions.filter(({ name }) => !known.some((version) => version.name === name));
    definitions.set(metadata.name, { ...own, versions: [...known, ...more] });
    plurals.set(own.names.kind, own.names.plural);
  }
  // Every Istio of today serves them, and no recording has one.
  for (const kind of ['PeerAuthentication', 'AuthorizationPolicy', 'RequestAuthentication']) {
    const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
    const name = `${plural}.security.istio.io`;
    if (definitions.has(name)) continue;
    definitions.set(name, {
      group: 'security.istio.io',
      names: { plural, kind },
      versions: [{ name: 'v1' }, { name: 'v1beta1' }],
    });
  }
  for (const [name, definition] of definitions) await api('POST', DEFINITIONS, definitionOf(name, definition));
  const isHeld = (object: RecordedObject): boolean => !isMadeApart(object);
  /** The list of each kind, in its namespace. */
  const lists = [...new Set(all.filter(isHeld).map((object) => pathOf(object, plurals)))];
  const items = async (list: string): Promise<readonly RecordedObject[]> => {
    let { status, body } = await api('GET', list, undefined, [200, 429]);
    // A kind that was defined a moment ago.
    for (let attempt = 0; status === 429 && attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      ({ status, body } = await api('GET', list, undefined, [200, 429]));
    }
    const { apiVersion, kind, items } = JSON.parse(body) as RecordedObject & { items: RecordedObject[] };
    // What is built in does not say it of each.
    return items.map((item) => ({ ...item, apiVersion, kind: kind.replace(/List$/, '') }));
  };

  const seen = new Set<string>();
  async function hold(objects: readonly RecordedObject[], running = false): Promise<void> {
    const wanted = objects.filter(({ kind }) => kind === 'Namespace');
    // A namespace does not end without its controller: those of a mesh before stay, and ask for nothing.
    const others = [...seen].filter((name) => !wanted.some(({ metadata }) => metadata.name === name));
    for (const { metadata } of [
      ...wanted,
      ...others.map((name) => ({ metadata: { name } as RecordedObject['metadata'] })),
    ]) {
      seen.add(metadata.name);
      const { name, labels = {}, annotations = {} } = metadata;
      const path = `${NAMESPACES}/${name}`;
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
      const there = await api('GET', path, undefined, [200, 404]);
      await (there.status === 200 ? api('PUT', path, object) : api('POST', NAMESPACES, object));
      const account = { metadata: { name: 'default' } };
      await api('POST', `${path}/serviceaccounts`, account, [201, 409]);
    }
    await Promise.all(
      lists.map(async (list) => {
        for (const { metadata } of await items(list))
          await api('DELETE', `${list}/${metadata.name}`, { gracePeriodSeconds: 0 }, [200, 202, 404]);
      }),
    );
    const held = objects.filter(isHeld);
    for (const part of [held.filter((each) => !isWebhook(each)), held.filter(isWebhook)])
      await Promise.all(part.map((object) => api('POST', pathOf(object, plurals), alone(object))));
    const pods = running ? held.filter(({ kind }) => kind === 'Pod') : [];
    await Promise.all(
      pods.map(({ metadata, status, ...pod }) =>
        api('PATCH', `${pathOf({ ...pod, metadata }, plurals)}/${metadata.name}/status`, { status }),
      ),
    );
  }

  // What a fix makes may lie in a namespace that has nothing of its kind.
  const everywhere = [NAMESPACES, ...new Set(lists.map((list) => list.replace(/\/namespaces\/[^/]+(?=\/)/, '')))];
  return { hold, now: async () => (await Promise.all(everywhere.map(items))).flat() };
}

/** Nobody owns what is held: the owner was made for pods elsewhere. And no controller acts on it. */
function alone(recorded: RecordedObject): RecordedObject {
  const object = admitted(recorded);
  const { ownerReferences: _, ...metadata } = object.metadata as RecordedObject['metadata'] & {
    ownerReferences?: unknown;
  };
  if (object.kind === 'Deployment') delete object.spec?.paused;
  return { ...object, metadata, ...(object.kind === 'DaemonSet' && { spec: whole(metadata.name, object.spec ?? {}) }) };
}

/** A DaemonSet is recorded without the template of its pods, where nothing reads it: the API server wants one. */
function whole(name: string, spec: Record<string, unknown>): Record<string, unknown> {
  const template = spec.template as { spec?: { containers?: readonly unknown[] } } | undefined;
  if (template?.spec?.containers?.length) return spec;
  const labels = { app: name };
  return {
    ...spec,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name, image: name }] } },
  };
}
