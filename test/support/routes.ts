import { drawing } from './lookup.ts';

/** Of every object that is made here. */
const MADE_ROUTES = { made: 'routes' };

const apiVersion = 'gateway.networking.k8s.io/v1';

/** A Gateway of the Gateway API and a route that may or may not fit one of its listeners. */
export function routeCase(seed: number, index: number): readonly object[] {
  const draw = drawing(seed * 1000 + index);
  const from = () =>
    draw.any([
      {},
      { allowedRoutes: { namespaces: { from: 'Same' } } },
      { allowedRoutes: { namespaces: { from: 'All' } } },
      { allowedRoutes: { namespaces: { from: 'All' } } },
      {
        allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: draw.any(['a', 'b']) } } } },
      },
      { allowedRoutes: { namespaces: { from: 'All' }, kinds: [{ kind: draw.any(['HTTPRoute', 'GRPCRoute']) }] } },
    ]);
  const listeners = Array.from({ length: draw.any([1, 1, 2]) }, (_, at) => {
    const protocol = draw.any(['HTTP', 'HTTP', 'HTTP', 'TCP']);
    const hostname = draw.any([`a.r${index}.com`, `*.r${index}.com`, null]);
    return {
      name: `l${at}`,
      port: 8000 + at,
      protocol,
      ...(protocol === 'HTTP' && hostname !== null && { hostname }),
      ...(protocol === 'HTTP' && from()),
    };
  });
  const hostnames = draw.any([[], [`a.r${index}.com`], [`b.r${index}.com`], ['other.org']]);
  const ref = {
    name: draw.chance(0.1) ? 'gone' : `g${index}`,
    namespace: 'istio-system',
    ...(draw.chance(0.3) && { sectionName: draw.any(['l0', 'l1']) }),
    ...(draw.chance(0.2) && { port: draw.any([8000, 8001]) }),
  };
  return [
    {
      apiVersion,
      kind: 'Gateway',
      metadata: { name: `g${index}`, namespace: 'istio-system', labels: MADE_ROUTES },
      spec: { gatewayClassName: 'istio', listeners },
    },
    {
      apiVersion,
      kind: draw.any(['HTTPRoute', 'HTTPRoute', 'GRPCRoute']),
      metadata: { name: `r${index}`, namespace: draw.any(['bookinfo', 'shop', 'istio-system']), labels: MADE_ROUTES },
      spec: {
        parentRefs: [ref],
        ...(hostnames.length > 0 && { hostnames }),
        rules: [{ backendRefs: [{ name: 'productpage', namespace: 'bookinfo', port: 9080 }] }],
      },
    },
  ];
}
