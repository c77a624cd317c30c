import { shellLine } from '../../cluster/shell.ts';
import { stepsOf } from '../section.ts';

export const HOSTS = 'hosts';
export const SERVICE_PORTS = 'service-ports';
export const PODS = 'pods';
export const CALLERS = 'callers';
export const GATEWAYS = 'gateways';
export const WAYPOINTS = 'waypoints';

export const step = stepsOf('Route rules have no effect on my application');

export const NO_RULES = 'no VirtualService is about these workloads';

/** Opens a VirtualService. */
export const editRule = ({ namespace, name }: { namespace: string; name: string }): string =>
  shellLine('kubectl', '-n', namespace, 'edit', 'virtualservice', name);
