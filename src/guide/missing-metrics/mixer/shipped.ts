import { shellLine } from '../../../cluster/question/shell.ts';
import type { ControlPlane } from '../../../diagnosis/check.ts';
import { isAtLeast } from '../../../istio/release.ts';

/** The metric instances that every chart ships, and those since 1.1 (mixer.md 3.2). */
export const SHIPPED_INSTANCES: readonly string[] = [
  'requestcount',
  'requestduration',
  'requestsize',
  'responsesize',
  'tcpbytesent',
  'tcpbytereceived',
  'tcpconnectionsopened',
  'tcpconnectionsclosed',
];

/**
 * The command that brings back the release's own rules, handler and instances (mixer.md 3.2): 0.8 keeps them in a
 * ConfigMap, 1.0 to 1.4 in the chart that the mesh was installed from, later ones in istioctl.
 */
export function applyShipped({ namespace, version }: ControlPlane): string {
  const where = namespace ?? 'istio-system';
  if (version !== null && !isAtLeast(version, '1.0')) {
    const read = shellLine('kubectl', '-n', where, 'get', 'configmap', 'istio-mixer-custom-resources', '-o');
    return `${read} 'jsonpath={.data.custom-resources\\.yaml}' | kubectl apply -f -`;
  }
  if (version !== null && isAtLeast(version, '1.5')) {
    return 'istioctl manifest generate -f YOUR-OPERATOR.yaml --set components.telemetry.enabled=true --set values.telemetry.enabled=true --set values.telemetry.v1.enabled=true   # read it, then kubectl apply -f -';
  }
  const template = shellLine(
    'helm',
    'template',
    'install/kubernetes/helm/istio',
    '--name',
    'istio',
    '--namespace',
    where,
  );
  return `${template} -x charts/mixer/templates/config.yaml | kubectl apply -f -   # in the folder of Istio ${version ?? 'of this release'}`;
}

/** Mixer's own log, where it says what is wrong. */
export const readLog = ({ namespace }: ControlPlane, pod?: string): string =>
  pod === undefined
    ? shellLine(
        'kubectl',
        '-n',
        namespace ?? 'istio-system',
        'logs',
        '-l',
        'istio-mixer-type=telemetry',
        '-c',
        'mixer',
        '--tail=200',
      )
    : shellLine('kubectl', '-n', namespace ?? 'istio-system', 'logs', pod, '-c', 'mixer', '--tail=200');
