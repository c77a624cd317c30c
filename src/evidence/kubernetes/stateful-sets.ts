import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { statefulSets as kind, typedName } from '../../cluster/question/resources.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import { object, text } from '../text/json.ts';
import { listAll } from './lists.ts';
import type { Named } from './named.ts';

export interface StatefulSet extends Named {
  replicas: number;
  /** The Service below which each of its pods has a name of its own; '' for none. */
  serviceName: string;
}

/** Asked by the one check that is about them. */
export const statefulSets = clusterSource([{ verb: 'list', resource: typedName(kind) }], (ask) =>
  listAll(ask, kind, ({ metadata, spec }: KubernetesObject): StatefulSet => {
    const { replicas, serviceName } = object(spec);
    return {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      replicas: typeof replicas === 'number' ? replicas : 1,
      serviceName: text(serviceName),
    };
  }),
);
