import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { type Resource, typedName } from '../../cluster/question/resources.ts';
import type { Source } from '../../diagnosis/check.ts';
import { clusterSource, planeSource } from '../../diagnosis/source.ts';
import { isOfRevision } from '../../istio/visibility.ts';
import { type Listing, listAll } from '../kubernetes/lists.ts';

/** A kind of Istio's configuration: the objects that the control plane reads. They are listed once for all planes. */
export function configuration<T>(resource: Resource, parse: (object: KubernetesObject) => T): Source<Listing<T>> {
  const rights = [{ verb: 'list', resource: typedName(resource) }] as const;
  const all = clusterSource(rights, (ask) =>
    listAll(ask, resource, (object) => ({ labels: object.metadata.labels ?? {}, parsed: parse(object) })),
  );
  return planeSource(rights, async ({ from, plane }) => {
    const { items, ...rest } = await from(all);
    const own = items.filter(({ labels }) => isOfRevision(labels, plane.revision));
    return { ...rest, items: own.map(({ parsed }) => parsed) };
  });
}
