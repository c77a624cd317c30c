import type { KubernetesObject } from '../question/cluster.ts';
import type { ListQuestion, ObjectQuestion } from '../question/question.ts';
import { typedName } from '../question/resources.ts';
import { array, object, only } from './parts.ts';
import { trim } from './trim.ts';

/** What is kept of an object that answers `question`. */
export const keptOf = ({ managed, resource }: ListQuestion | ObjectQuestion, from: unknown): KubernetesObject =>
  managed ? managedIn(from) : trim(typedName(resource), from);

/** Who has changed it: names of fields, and no value. */
function managedIn(from: unknown): KubernetesObject {
  const { managedFields } = object(object(from).metadata);
  return {
    metadata: {
      ...only(object(from).metadata, 'name', 'namespace', 'creationTimestamp'),
      managedFields: array(managedFields).map((each) =>
        only(each, 'manager', 'operation', 'time', 'subresource', 'fieldsV1'),
      ),
    },
  } as unknown as KubernetesObject;
}
