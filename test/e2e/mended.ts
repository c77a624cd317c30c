import { isDeepStrictEqual } from 'node:util';
import type { RecordedObject, Recording } from '../support/recordings.ts';

/** What a person may change of an object. */
const PARTS = ['spec', 'data', 'webhooks'] as const;

const keyOf = ({ kind, metadata }: RecordedObject): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

const partsOf = (object: RecordedObject): unknown => [
  object.metadata.labels ?? {},
  object.metadata.annotations ?? {},
  ...PARTS.map((part) => (object as unknown as Record<string, unknown>)[part]),
];

/**
 * Changes a recording as a cluster was changed that held its objects, and as controllers would go on: pods get the labels
 * and annotations of their template.
 */
export function mendedBy(
  recording: Recording,
  before: readonly RecordedObject[],
  now: readonly RecordedObject[],
): void {
  const olds = new Map(before.map((object) => [keyOf(object), object]));
  const news = new Map(now.map((object) => [keyOf(object), object]));
  const { objects } = recording;
  for (const [key, old] of olds) {
    const index = objects.findIndex((object) => keyOf(object) === key);
    const changed = news.get(key);
    if (index < 0) continue;
    if (!changed) objects.splice(index, 1);
    else if (!isDeepStrictEqual(partsOf(changed), partsOf(old))) {
      const object = objects[index] as RecordedObject;
      const { labels, annotations } = changed.metadata;
      objects[index] = {
        ...object,
        metadata: { ...object.metadata, labels: labels ?? {}, annotations: annotations ?? {} },
        ...Object.fromEntries(
          PARTS.flatMap((part) => {
            const value = (changed as unknown as Record<string, unknown>)[part];
            return value === undefined ? [] : [[part, value]];
          }),
        ),
      };
      if (['Deployment', 'DaemonSet'].includes(object.kind)) rolledOut(objects, old, changed);
    }
  }
  for (const [key, added] of news) if (!olds.has(key)) objects.push(added);
}

type Templated = RecordedObject & { spec: { template: { metadata: RecordedObject['metadata'] } } };

function rolledOut(objects: readonly RecordedObject[], old: RecordedObject, now: RecordedObject): void {
  const { namespace, name } = now.metadata;
  const [before, after] = [old, now].map((object) => (object as Templated).spec.template.metadata);
  for (const { kind, metadata } of objects) {
    if (kind !== 'Pod' || metadata.namespace !== namespace || !metadata.name.startsWith(`${name}-`)) continue;
    for (const part of ['labels', 'annotations'] as const) {
      const kept = Object.entries(metadata[part] ?? {}).filter(([key]) => !(key in (before?.[part] ?? {})));
      metadata[part] = { ...Object.fromEntries(kept), ...after?.[part] };
    }
  }
}
