import { shellLine } from '../../../cluster/question/shell.ts';
import type { ControlPlane } from '../../../diagnosis/check.ts';
import type { Rule } from '../../../evidence/mixer/config.ts';
import { keysOf } from '../../../evidence/mixer/references.ts';
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

/** How many of them every release has. */
const SINCE_0_8 = 6;

/**
 * The command that brings back the release's own rules, handler and instances (mixer.md 3.2): this program
 * keeps those until 1.4, with the chart that they came from beside it, and later ones are in istioctl. `wanted` are parts of
 * them (shipped/objects.ts).
 */
export function applyShipped({ namespace, version }: ControlPlane, ...wanted: readonly string[]): string {
  const where = namespace ?? 'istio-system';
  if (version !== null && isAtLeast(version, '1.5')) {
    return 'istioctl manifest generate -f YOUR-OPERATOR.yaml --set components.telemetry.enabled=true --set values.telemetry.enabled=true --set values.telemetry.v1.enabled=true   # read it, then kubectl apply -f -';
  }
  const chart = ['install/kubernetes/helm/istio', '--name', 'istio', '--namespace', where];
  const template = `${shellLine('helm', 'template', ...chart)} -x charts/mixer/templates/config.yaml`;
  if (version === null) return `${template} | kubectl apply -f -   # Helm 2, in the folder of the release`;
  const other = where === 'istio-system' ? [] : ['-n', where];
  const shipped = shellLine('kubectl', 'istio-diag', 'shipped', version, ...wanted, ...other);
  return `${shipped} | kubectl apply -f -   # or by Helm 2, in the folder of Istio ${version}: ${template}`;
}

/** What a rule is to name, where what it names is not Istio's own. */
const editRule = ({ namespace, name }: Pick<Rule, 'namespace' | 'name'>): string =>
  shellLine('kubectl', '-n', namespace, 'edit', 'rules.config.istio.io', name);

/** The release's own handler, where a rule's reference means it by one of its keys; otherwise the rule is to be changed. */
export function handlerFor(plane: ControlPlane, rule: Rule, reference: string): string {
  const where = plane.namespace ?? 'istio-system';
  const keys = keysOf(reference, 'handler', rule.namespace);
  // Until 1.0, and since (mixer.md 3.2).
  const own = [`handler.prometheus.${where}`, `prometheus.handler.${where}`];
  return keys.some((key) => own.includes(key))
    ? applyShipped(plane, 'handler')
    : `${editRule(rule)}   # ${reference} is no handler of Istio’s own: name one that exists`;
}

/** Those of the release's own instances that are missing; where none is its own, the rule is to be changed. */
export function instancesFor(plane: ControlPlane, rule: Rule, references: readonly string[]): string {
  const names = references.flatMap((reference) => reference.split('.')[0] ?? []);
  const own = SHIPPED_INSTANCES.filter((name) => names.includes(name));
  if (own.length === 0)
    return `${editRule(rule)}   # ${references[0]} is no instance of Istio’s own: name one that exists`;
  const all = own.length >= SINCE_0_8;
  return applyShipped(plane, ...(all ? ['instances'] : own.map((name) => `instances/${name}`)));
}

/** Where old kinds are no longer read, all that name each other are new. */
export const applyNewKinds = (plane: ControlPlane): string => applyShipped(plane, 'handler', 'instances', 'rules');

/** Mixer's kinds, of which a cluster that has none knows no object. */
export function applyKinds({ version }: ControlPlane): string {
  const folder = version !== null && !isAtLeast(version, '1.1') ? 'istio/templates/crds.yaml' : 'istio-init/files';
  return `kubectl apply -f install/kubernetes/helm/${folder}   # Mixer’s CRDs, in the folder of Istio ${version ?? 'of this release'}`;
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
