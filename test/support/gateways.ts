import { type Draw, drawing } from './lookup.ts';

const GATEWAY_NAMESPACES = ['bookinfo', 'shop', 'istio-system'] as const;

/** Of every object that a batch makes: by it they are deleted together. */
export const MADE_GATEWAY = { made: 'gateways' };

/** The labels of the pod that Gateways select. */
export const EDGE = { istio: 'ingressgateway', app: 'edge' };

/** The ports of one case: one that Gateways name themselves, and one that a Service leads there. */
export interface CasePorts {
  plain: number;
  service: number;
}

const object = (kind: string, name: string, namespace: string, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace, labels: MADE_GATEWAY },
  spec,
});

const PROTOCOLS = [
  { protocol: 'HTTP' },
  { protocol: 'HTTP' },
  { protocol: 'HTTP2' },
  { protocol: 'HTTP', tls: { httpsRedirect: true } },
  { protocol: 'HTTPS', tls: { mode: 'SIMPLE', credentialName: 'edge' } },
  { protocol: 'HTTPS', tls: { mode: 'SIMPLE', credentialName: 'edge' } },
  { protocol: 'HTTPS', tls: { mode: 'PASSTHROUGH' } },
  { protocol: 'TLS', tls: { mode: 'PASSTHROUGH' } },
  { protocol: 'TLS', tls: { mode: 'SIMPLE', credentialName: 'edge' } },
  { protocol: 'TLS', tls: { mode: 'AUTO_PASSTHROUGH' } },
  { protocol: 'TCP' },
] as const;

/** Each once; `*\/*` by itself, as an istiod of 1.31 panics over a host behind it (pilot/pkg/model/gateway.go, sanitizeServerHostNamespace). */
const hostsOf = (entries: readonly string[]): readonly string[] =>
  entries.includes('*/*') ? ['*/*'] : [...new Set(entries)];

/** One small configuration: up to three Gateways and three rules for them, with ports and hosts of its own. */
function configuration(index: number, draw: Draw, { plain, service }: CasePorts): readonly object[] {
  const domain = `c${index}.example.com`;
  const hosts = [`a.${domain}`, `a.${domain}`, `b.${domain}`, `*.${domain}`];
  const style = draw.any(PROTOCOLS);
  const entry = (): string => {
    const host = draw.chance(0.15) ? '*' : draw.any(hosts);
    return draw.any(['', '', '', '', './', '*/', 'bookinfo/', 'shop/']) + host;
  };
  const server = (at: number): object => {
    const { protocol, ...tls } = draw.chance(0.7) ? style : draw.any(PROTOCOLS);
    const name = draw.chance(0.15) ? 'same' : `p${at}`;
    return {
      port: { number: draw.any([plain, service]), name, protocol },
      hosts: hostsOf(Array.from({ length: draw.any([1, 1, 2]) }, entry)),
      ...tls,
    };
  };
  const gateways = Array.from({ length: draw.any([1, 1, 2, 3]) }, (_, at) => ({
    name: `g${index}-${at}`,
    namespace: draw.any(GATEWAY_NAMESPACES),
  }));
  const spelled = ({ name, namespace }: (typeof gateways)[number], from: string): string => {
    if (draw.chance(0.7)) return `${namespace}/${name}`;
    return draw.any([
      name,
      `./${name}`,
      `${name}.${namespace}.svc.cluster.local`,
      `${from}/${name}`,
      'shop/gone',
      'mesh',
    ]);
  };
  // One that is named twice would have its rules twice.
  const references = (from: string): readonly string[] => draw.some(gateways, 2).map((each) => spelled(each, from));
  return [
    ...gateways.map(({ name, namespace }) => {
      const selector = draw.any([EDGE, { istio: EDGE.istio }, { istio: EDGE.istio }, { istio: 'other' }, null]);
      const servers = Array.from({ length: draw.any([1, 1, 2]) }, (_, at) => server(at));
      return object('Gateway', name, namespace, { ...(selector && { selector }), servers });
    }),
    ...Array.from({ length: draw.any([1, 2, 2, 3]) }, (_, at) => {
      const namespace = draw.any(GATEWAY_NAMESPACES);
      const own = draw.some(hosts, 2);
      const to = (part: string) => ({
        destination: { host: `v${index}-${at}-${part}.example.net`, port: { number: 80 } },
      });
      const gateway = (): object =>
        draw.chance(0.1) ? { gateways: [`${draw.any(GATEWAY_NAMESPACES)}/${draw.any(gateways).name}`] } : {};
      const port = (): object => (draw.chance(0.12) ? { port: draw.any([plain, service]) } : {});
      const http = Array.from({ length: draw.any([1, 2]) }, (_, part) => ({
        ...(draw.chance(0.6) && {
          match: [{ uri: draw.any([{ prefix: '/' }, { prefix: `/${at}` }, { exact: '/x' }]), ...port(), ...gateway() }],
        }),
        route: [to(`h${part}`)],
      }));
      const tls = [
        { match: [{ sniHosts: own.slice(0, draw.any([1, 2])), ...port(), ...gateway() }], route: [to('s')] },
      ];
      const tcp = [{ ...(draw.chance(0.5) && { match: [{ ...port(), ...gateway() }] }), route: [to('t')] }];
      const isHttp = draw.chance('tls' in style && style.protocol === 'TLS' ? 0.3 : 0.75);
      return object('VirtualService', `v${index}-${at}`, namespace, {
        hosts: own,
        gateways: [...new Set(references(namespace))],
        ...(draw.chance(0.2) && {
          exportTo: draw.any([['.'], ['*'], ['istio-system'], ['shop'], ['.', 'istio-system']]),
        }),
        ...(isHttp && { http }),
        ...((!isHttp || draw.chance(0.2)) && (draw.chance(0.5) ? { tls } : { tcp })),
      });
    }),
  ];
}

/** `size` small configurations at once; each has its own of the ports. */
export function gatewayBatchOf(seed: number, batch: number, ports: readonly CasePorts[]): readonly object[] {
  const draw = drawing(seed * 1000 + batch);
  return ports.flatMap((own, at) => configuration(batch * ports.length + at, draw, own));
}
