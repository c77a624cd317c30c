import { shellLine } from '../../cluster/question/shell.ts';
import type { ControlPlane } from '../../diagnosis/check.ts';
import { isAtLeast, istiodOf } from '../../istio/release.ts';

/** What makes the control plane write its certificates into the webhooks again (guide.md j): by release. */
export function writeAgain({ namespace, version, revision, generation }: ControlPlane): string {
  const at = namespace ?? 'istio-system';
  if (version !== null && !isAtLeast(version, '0.8')) {
    return './install/kubernetes/webhook-create-signed-cert.sh && ./install/kubernetes/webhook-patch-ca-bundle.sh   # from the sources of that release: its 0.5 package lacks them';
  }
  if (version === null ? generation === 'mixer' : !isAtLeast(version, '1.5')) {
    return shellLine('kubectl', '-n', at, 'delete', 'pod', '-l', 'istio in (sidecar-injector,galley)');
  }
  return shellLine('kubectl', '-n', at, 'rollout', 'restart', `deployment/${istiodOf(revision)}`);
}
