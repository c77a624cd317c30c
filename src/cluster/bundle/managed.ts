import type { KubernetesObject } from '../question/cluster.ts';
import { array, object, only } from './parts.ts';

/** Of an object of which it was asked who has changed it: names of fields, and no value. */
export const managed = (from: unknown): KubernetesObject => {
  const { managedFields } = object(object(from).metadata);
  return {
    metadata: {
      ...only(object(from).metadata, 'name', 'namespace', 'creationTimestamp'),
      managedFields: array(managedFields).map((each) =>
        only(each, 'manager', 'operation', 'time', 'subresource', 'fieldsV1'),
      ),
    },
  } as unknown as KubernetesObject;
};
