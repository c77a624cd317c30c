/** The helpers: what each prints, and how many words it takes. */
export const HELPERS = {
  'proxy-config': ['Print clusters, listeners, routes, endpoints or bootstrap of a pod’s Envoy', 2],
  sync: ['Print every proxy’s state on every replica of Pilot', 1],
  pilot: ['Print the page ads, eds or registry of every replica of Pilot', 1],
  diff: ['Print what Pilot sent and a pod’s Envoy has not, and the other way round', 1],
  tcpdump: ['Print the line that captures a pod’s packets', 1],
  gdb: ['Print the line that attaches a debugger to a pod’s Envoy', 1],
} as const satisfies Record<string, readonly [string, number]>;

export type Helper = keyof typeof HELPERS;
