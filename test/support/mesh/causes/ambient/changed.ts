import { ambientShop } from '../../ambient/shop.ts';
import type { Ambient, AmbientNode, ZtunnelPage } from '../../ambient/spec.ts';
import { FIRST_NODE } from '../../objects.ts';
import type { Spec } from '../../spec.ts';

/** The shop in ambient, with one change. */
export function changedAmbient(change: (spec: Spec, ambient: Ambient) => void, release?: string): Spec {
  const spec = ambientShop(release);
  change(spec, ambientOf(spec));
  return spec;
}

function ambientOf({ ambient }: Spec): Ambient {
  if (!ambient) throw new Error('the mesh has no ambient');
  return ambient;
}

/** What of ambient runs on that node, to be changed. */
export function nodeOf({ nodes }: Ambient, name = FIRST_NODE): AmbientNode {
  const found = nodes[name];
  if (!found) throw new Error(`the mesh has no node ${name}`);
  return found;
}

/** Changes the page of the ztunnel of that node. */
export function onPage(ambient: Ambient, name: string, page: ZtunnelPage): void {
  const { ztunnel } = nodeOf(ambient, name);
  if (ztunnel) ztunnel.page = page;
}

/** Changes each line of the pages of all ztunnels; null takes it away. */
export function onEachLine(ambient: Ambient, change: (line: string) => string | null): void {
  const rewrite = (text: string): string =>
    text
      .split('\n')
      .flatMap((line) => change(line) ?? [])
      .join('\n');
  for (const node of Object.keys(ambient.nodes)) onPage(ambient, node, { rewrite });
}

/** Without a waypoint nobody asks for L7. */
export function withoutWaypoints(spec: Spec): void {
  ambientOf(spec).waypoints = [];
  for (const each of spec.services) each.labels = {};
}

/** As its page says how many pods a ztunnel serves. */
export const serving = (count: number) => (text: string) =>
  text.replace(/^(workload_manager_active_proxy_count) \d+$/m, `$1 ${count}`);

/** What istio-cni's chart wrote into its ConfigMap before it knew selectors (manifests/charts/istio-cni, 1.24). */
export const WITHOUT_SELECTORS = { AMBIENT_ENABLED: 'true', EXCLUDE_NAMESPACES: 'kube-system' };
