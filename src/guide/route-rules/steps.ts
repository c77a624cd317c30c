import { shellLine } from '../../cluster/question/shell.ts';
import { some } from '../../diagnosis/verdict.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { MergedVirtualService } from '../../istio/virtual-services.ts';
import { stepsOf } from '../section.ts';

export const HOSTS = 'hosts';
export const SERVICE_PORTS = 'service-ports';
export const PODS = 'pods';
export const CALLERS = 'callers';
export const GATEWAYS = 'gateways';
export const WAYPOINTS = 'waypoints';
export const ARRIVAL = 'arrival';

export const step = stepsOf('Route rules have no effect on my application');

export const NO_RULES = 'no VirtualService is about these workloads';

/** Which callers something is so for; nothing where it is so for all. */
export const forCallers = (lost: readonly string[], all: readonly string[]): string =>
  lost.length === all.length ? '' : `, for callers in ${some(lost)}`;

/** `VirtualService bookinfo/reviews, rule 2`. */
export function placeOf(rule: MergedVirtualService, http: MergedVirtualService['http'][number]): string {
  const at = rule.http.indexOf(http) + 1;
  return `VirtualService ${titleOf(rule)}, rule ${at}${http.name ? ` (${http.name})` : ''}`;
}

export const NO_GATEWAY = 'no VirtualService is for a gateway';

/** Prints every Gateway of Istio's own. */
export const SHOW_GATEWAYS = shellLine(
  'kubectl',
  'get',
  'gateways.networking.istio.io',
  '--all-namespaces',
  '-o',
  'yaml',
);

/** Opens a VirtualService. */
export const editRule = ({ namespace, name }: { namespace: string; name: string }): string =>
  shellLine('kubectl', '-n', namespace, 'edit', 'virtualservice', name);
