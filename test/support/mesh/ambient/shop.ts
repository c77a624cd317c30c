import { type Spec, shop, workload } from '../spec.ts';
import { ambient, waypoint } from './spec.ts';

/** The small healthy shop in ambient: two nodes, on both of which web runs, and a waypoint for cart. */
export function ambientShop(release = '1.31.0'): Spec {
  const spec = shop(release);
  spec.namespaces = { shop: { 'istio.io/dataplane-mode': 'ambient' } };
  spec.ambient = { ...ambient('node-1', 'node-2'), waypoints: [waypoint('waypoint')] };
  for (const each of spec.workloads) if (each.proxy === 'sidecar') each.proxy = 'ambient';
  workload(spec, 'web-v1').node = ['node-1', 'node-2'];
  workload(spec, 'prices-v1').node = 'node-2';
  for (const each of spec.services) if (each.name === 'cart') each.labels = { 'istio.io/use-waypoint': 'waypoint' };
  spec.mesh.defaultConfig = {
    discoveryAddress: 'istiod.istio-system.svc:15012',
    proxyMetadata: { ISTIO_META_ENABLE_HBONE: 'true' },
  };
  return spec;
}
