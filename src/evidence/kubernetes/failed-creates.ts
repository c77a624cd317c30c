import { events, typedName } from '../../cluster/question/resources.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import { listAll } from './lists.ts';

/** A controller that could not create a pod because of one of Istio's webhooks, in the API server's words. */
export interface FailedCreate {
  /** `ReplicaSet bookinfo/reviews-v1-5d8`. */
  owner: string;
  message: string;
  times: number;
  /** When it last happened, in milliseconds since 1970; null when the event does not tell. */
  at: number | null;
}

/** `failed calling webhook "sidecar-injector.istio.io": …`, in the words of every Kubernetes (guide.md j, k). */
const BY_ISTIO = /failed calling (admission )?webhook "?[\w.-]*istio\.io/i;

/** What a proxy answers, and what Go says of one that does not (guide.md k, K4). */
export const isProxys = (message: string): boolean =>
  /Service Unavailable|proxyconnect|Proxy Authentication Required|Gateway Time-?out|Bad Gateway|Unable to connect|: Forbidden$|Internal Server Error/i.test(
    message,
  );

/** Events live for an hour: what they tell is recent. */
export const failedCreates = clusterSource(
  [{ verb: 'list', resource: typedName(events) }],
  async (ask): Promise<readonly FailedCreate[]> => {
    const { items } = await listAll(
      ask,
      events,
      ({ message = '', involvedObject, count = 1, lastTimestamp, eventTime }) => ({
        owner: `${involvedObject?.kind ?? ''} ${involvedObject?.namespace ?? ''}/${involvedObject?.name ?? ''}`,
        message,
        times: count,
        at: Date.parse(lastTimestamp ?? eventTime ?? '') || null,
      }),
      { fields: 'reason=FailedCreate' },
    );
    return items.filter(({ message }) => BY_ISTIO.test(message));
  },
);
