import type { ListQuestion, Question } from './question.ts';

/** The fields that somebody was the last to set, and when that was (metav1.ManagedFieldsEntry). */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  time?: string;
  /** `status`, where only that was set. */
  subresource?: string;
  /** Names of fields, `f:spec`, each with those below it. */
  fieldsV1?: unknown;
}

/** An object of Kubernetes, cut down to the fields that the diagnosis reads (trim.ts). */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    ownerReferences?: readonly { kind: string; name: string }[];
    /** Of an object of which that was asked alone. */
    managedFields?: readonly ManagedFields[];
  };
  spec?: unknown;
  status?: unknown;
  data?: Record<string, string>;
  /** Of a webhook configuration. */
  webhooks?: readonly unknown[];
  /** Of a pod's metrics. */
  containers?: readonly unknown[];
  /** Of an event: what happened to which object. */
  reason?: string;
  message?: string;
  involvedObject?: { kind?: string; name?: string; namespace?: string };
  count?: number;
  /** Who tells of it, by the older and by the newer form. */
  source?: { component?: string };
  reportingComponent?: string;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
}

/** An answer as it comes in. Whoever asked reads `body` to its end, once. */
export interface Answer {
  /** HTTP's status. Of the API server's answers only 200 arrives; a page in a pod may answer anything. */
  status: number;
  contentType: string;
  /** The server's clock, in milliseconds since 1970; null when it does not tell, and in a replay. */
  date?: number | null;
  /** Bytes; throws NoAnswer when the answer breaks off. */
  body: AsyncIterable<Buffer>;
}

/**
 * All that the diagnosis may ask, and how. Live, recording and replaying clusters answer alike, so nothing above
 * this line knows which it has. Both methods throw NoAnswer when the cluster gives none.
 */
export interface Cluster {
  /** All objects of a kind, cut down by trim.ts, in the server's order. */
  list(question: ListQuestion): Promise<readonly KubernetesObject[]>;
  /** The answer to any other question, as a stream. */
  read(question: Exclude<Question, ListQuestion>): Promise<Answer>;
}

/** More text than any answer that is not a metrics page may have: Prometheus' /targets can be hundreds of MB. */
export const TEXT_LIMIT = 64 * 1024 * 1024;
