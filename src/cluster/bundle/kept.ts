import type { KubernetesObject } from '../question/cluster.ts';
import type { ListQuestion, ObjectQuestion } from '../question/question.ts';
import { typedName } from '../question/resources.ts';
import { array, object, only } from './parts.ts';
import { trim } from './trim.ts';

/** What is kept of an object that answers `question`. */
export const keptOf = ({ managed, resource }: ListQuestion | ObjectQuestion, from: unknown): KubernetesObject =>
  managed ? managedIn(from) : trim(typedName(resource), from);

/** Of a ReplicaSet which revision of its Deployment it is. */
export const REVISION = 'deployment.kubernetes.io/revision';

/** Who has changed it: names of fields, and no value but a revision's number. */
function managedIn(from: unknown): KubernetesObject {
  const { managedFields, annotations, ownerReferences } = object(object(from).metadata);
  const revision = only(annotations, REVISION);
  return {
    metadata: {
      ...only(object(from).metadata, 'name', 'namespace', 'creationTimestamp'),
      ...(REVISION in revision && {
        annotations: revision,
        ownerReferences: array(ownerReferences).map((owner) => only(owner, 'kind', 'name')),
      }),
      managedFields: array(managedFields).map((each) =>
        only(each, 'manager', 'operation', 'time', 'subresource', 'fieldsV1'),
      ),
    },
  } as unknown as KubernetesObject;
}
