import { events, typedName } from '../cluster/resources.ts';
import { clusterSource } from '../diagnosis/source.ts';
import { listAll } from './kubernetes.ts';

/** A controller that could not create a pod because of one of Istio's webhooks, in the API server's words. */
export interface FailedCreate {
  /** `ReplicaSet bookinfo/reviews-v1-5d8`. */
  owner: string;
  message: string;
  times: number;
}

/** `failed calling webhook "sidecar-injector.istio.io": …`, in the words of every Kubernetes (guide.md j, k). */
const BY_ISTIO = /failed calling (admission )?webhook "?[\w.-]*istio\.io/i;

/** Events live for an hour: what they tell is recent. */
export const failedCreates = clusterSource(
  [{ verb: 'list', resource: typedName(events) }],
  async (ask): Promise<readonly FailedCreate[]> => {
    const { items } = await listAll(
      ask,
      events,
      ({ message = '', involvedObject, count = 1 }) => ({
        owner: `${involvedObject?.kind ?? ''} ${involvedObject?.namespace ?? ''}/${involvedObject?.name ?? ''}`,
        message,
        times: count,
      }),
      { fields: 'reason=FailedCreate' },
    );
    return items.filter(({ message }) => BY_ISTIO.test(message));
  },
);
