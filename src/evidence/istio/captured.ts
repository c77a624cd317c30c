import type { Captured } from '../../istio/capture.ts';
import type { Container, Pod } from '../kubernetes/pod.ts';

/** What of a pod, and of its sidecar's container, decides which of its traffic goes through that. */
export const capturedOf = ({ pod, container }: { pod: Pod; container: Container }): Captured => ({
  annotations: pod.annotations,
  labels: pod.labels,
  redirection: pod.redirection,
  interception: container.variables.ISTIO_META_INTERCEPTION_MODE,
});
