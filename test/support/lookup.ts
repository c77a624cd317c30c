/** Numbers below one, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let next = Math.imul(state ^ (state >>> 15), state | 1);
    next ^= next + Math.imul(next ^ (next >>> 7), next | 61);
    return ((next ^ (next >>> 14)) >>> 0) / 4294967296;
  };
}

export const NAMESPACES = ['bookinfo', 'shop', 'store'] as const;
export const SUBSETS = ['v1', 'v2', 'v3'] as const;
export const PORTS = [80, 9080, 9081] as const;
/** Of a port: some are no HTTP. */
const PROTOCOLS = ['http', 'http', 'http', 'grpc', 'tcp'] as const;

export interface Draw {
  any: <T>(from: readonly T[]) => T;
  some: <T>(from: readonly T[], most: number) => readonly T[];
  chance: (of: number) => boolean;
}

export function drawing(seed: number): Draw {
  const next = random(seed);
  const any = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  return {
    any,
    some: (from, most) => [...new Set(Array.from({ length: 1 + Math.floor(next() * most) }, () => any(from)))],
    chance: (of) => next() < of,
  };
}

/** Of every object that a batch makes: by it they are deleted together. */
export const MADE = { made: 'lookup' };

const object = (kind: string, name: string, namespace: string, spec: object, annotations = {}) => ({
  apiVersion: kind === 'Service' ? 'v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace, labels: MADE, annotations },
  spec,
});

/** Of Istio's own kinds a few are left to one control plane by their label: the one that is asked, or another. */
const revised = (made: ReturnType<typeof object>, draw: Draw): object =>
  made.kind !== 'Service' && draw.chance(0.06)
    ? {
        ...made,
        metadata: { ...made.metadata, labels: { ...MADE, 'istio.io/rev': draw.any(['default', 'other', 'other']) } },
      }
    : made;

const exported = (draw: Draw): object =>
  draw.chance(0.4) ? { exportTo: draw.any([['.'], ['*'], ['bookinfo'], ['store'], ['~'], ['.', 'bookinfo']]) } : {};

/** One small configuration: two Services, perhaps a ServiceEntry, and the rules about them. */
function configuration(index: number, draw: Draw): readonly object[] {
  const all = [...NAMESPACES, 'istio-system'];
  const services = ['a', 'b'].map((letter) => ({ name: `${letter}${index}`, namespace: draw.any(NAMESPACES) }));
  const full = services.map(({ name, namespace }) => `${name}.${namespace}.svc.cluster.local`);
  const outside = draw.chance(0.5) ? [`x${index}.w${index}.example.com`] : [];
  const wild = draw.chance(0.25) ? [`*.w${index}.example.com`] : [];
  const hosts = [...full, ...outside];
  const host = (): string => (draw.chance(0.15) ? draw.any(services).name : draw.any(hosts));
  const destination = () => ({
    host: draw.chance(0.05) ? `gone${index}.shop.svc.cluster.local` : host(),
    ...(draw.chance(0.6) && { subset: draw.any(SUBSETS) }),
    ...(draw.chance(0.3) && { port: { number: draw.any(PORTS) } }),
  });
  const match = () => ({
    ...(draw.chance(0.6) && {
      uri: draw.any([{ prefix: '/' }, { prefix: '/a' }, { prefix: '/a/b' }, { exact: '/a/b' }]),
    }),
    ...(draw.chance(0.2) && { headers: { 'x-user': { exact: draw.any(['one', 'two']) } } }),
    ...(draw.chance(0.15) && { sourceLabels: { app: draw.any(['productpage', 'other']) } }),
    ...(draw.chance(0.15) && { sourceNamespace: draw.any(NAMESPACES) }),
    ...(draw.chance(0.15) && { gateways: draw.any([['mesh'], ['edge'], ['edge', 'mesh']]) }),
    ...(draw.chance(0.1) && { port: draw.any(PORTS) }),
  });
  const matches = () => (draw.chance(0.6) ? { match: Array.from({ length: draw.any([1, 2]) }, match) } : {});
  const delegates = Array.from({ length: draw.chance(0.35) ? 2 : 0 }, (_, at) => ({
    name: `d${index}-${at}`,
    namespace: draw.any(NAMESPACES),
  }));
  const http = (deep: boolean): object => {
    const delegate =
      deep && delegates.length > 0 && draw.chance(0.5)
        ? draw.any([...delegates, { name: 'gone', namespace: 'shop' }])
        : null;
    if (delegate) return { ...matches(), delegate };
    const to = Array.from({ length: draw.any([1, 1, 2]) }, destination);
    return { ...matches(), route: to.map((each) => ({ destination: each, ...(to.length > 1 && { weight: 50 }) })) };
  };
  const rule = (name: string, namespace: string, of: readonly string[]) =>
    object('VirtualService', name, namespace, {
      ...(of.length > 0 && { hosts: of }),
      ...exported(draw),
      ...(of.length > 0 && draw.chance(0.15) && { gateways: draw.any([['edge'], ['mesh'], ['edge', 'mesh']]) }),
      http: Array.from({ length: draw.any([1, 2, 3]) }, () => http(of.length > 0)),
    });
  const policy = (at: number) => {
    const namespace = draw.any(all);
    const general = draw.chance(0.12)
      ? draw.any(['*.store.svc.cluster.local', '*.local', `*.w${index}.example.com`])
      : host();
    const subsets = draw.some(SUBSETS, 2).map((name) => ({ name, labels: { version: name } }));
    return object('DestinationRule', `p${index}-${at}`, namespace, {
      host: general,
      ...(draw.chance(0.85) ? { subsets } : { trafficPolicy: { connectionPool: { tcp: { maxConnections: 5 } } } }),
      ...exported(draw),
      ...(draw.chance(0.1) && { workloadSelector: { matchLabels: { app: draw.any(['productpage', 'other']) } } }),
    });
  };
  const made = [
    ...services.map(({ name, namespace }) =>
      object(
        'Service',
        name,
        namespace,
        {
          selector: { app: name },
          ports: draw.some(PORTS, 2).map((port) => ({ name: `${draw.any(PROTOCOLS)}-${port}`, port })),
        },
        draw.chance(0.25)
          ? { 'networking.istio.io/exportTo': draw.any(['.', '*', '~', 'bookinfo', 'store,bookinfo']) }
          : {},
      ),
    ),
    ...[...outside, ...wild].map((name, at) => {
      const resolution = name.startsWith('*') ? 'NONE' : draw.any(['DNS', 'NONE', 'STATIC']);
      const endpoints = draw
        .some(SUBSETS, 2)
        .map((version, each) => ({ address: `10.9.${index % 250}.${each + 1}`, labels: { version } }));
      return object('ServiceEntry', `e${index}-${at}`, draw.any(NAMESPACES), {
        hosts: [name],
        location: 'MESH_EXTERNAL',
        resolution,
        ports: draw.some(PORTS, 2).map((number) => ({
          number,
          name: `p-${number}`,
          protocol: draw.any(PROTOCOLS).toUpperCase(),
        })),
        ...(resolution !== 'NONE' && draw.chance(0.5) && { endpoints }),
        ...exported(draw),
      });
    }),
    ...Array.from({ length: draw.any([1, 1, 2, 3]) }, (_, at) =>
      rule(
        `r${index}-${at}`,
        draw.any(all),
        draw.chance(0.12)
          ? [draw.any([`*.w${index}.example.com`, '*.shop.svc.cluster.local'])]
          : draw.some([host()], 1),
      ),
    ),
    ...delegates.map(({ name, namespace }) => rule(name, namespace, [])),
    ...Array.from({ length: draw.any([0, 1, 1, 2, 3]) }, (_, at) => policy(at)),
  ];
  return made.map((each) => revised(each, draw));
}

/** What limits the caller in a batch. */
function sidecarOf(batch: number, draw: Draw): readonly object[] {
  const entry = (): string =>
    draw.any([
      './*',
      'shop/*',
      'store/*',
      '*/*',
      'istio-system/*',
      '*/*.store.svc.cluster.local',
      'bookinfo/*',
      '~shop/*',
      '*/*.example.com',
    ]);
  const egress = (port?: number): object => ({
    ...(port !== undefined && { port: { number: port, protocol: 'HTTP', name: `p${port}` } }),
    hosts: [
      draw.any(['./*', '*/*', 'store/*', 'shop/*']),
      entry(),
      entry(),
      `bookinfo/marker${batch}.bookinfo.svc.cluster.local`,
    ],
  });
  const spec = {
    0: null,
    1: { namespace: 'bookinfo', egress: [egress()] },
    2: { namespace: 'istio-system', egress: [egress()] },
    3: { namespace: 'bookinfo', workloadSelector: { labels: { app: 'productpage' } }, egress: [egress()] },
    4: { namespace: 'bookinfo', egress: [egress(9080), egress()] },
  }[batch % 5];
  if (!spec) return [];
  const { namespace, ...rest } = spec;
  return [object('Sidecar', 'limit', namespace, rest)];
}

/** `size` small configurations at once, and one Sidecar for all of them. */
export function batchOf(seed: number, batch: number, size: number): readonly object[] {
  const draw = drawing(seed * 1000 + batch);
  const configurations = Array.from({ length: size }, (_, at) => configuration(batch * size + at, draw));
  return [...configurations.flat(), ...sidecarOf(batch, draw)];
}
