import type { Named } from '../kubernetes/named.ts';
import { listOf, text } from '../text/json.ts';

/** One kind of configuration of one proxy, as Pilot sees it. */
export interface TypeSync {
  /** `cluster`, `listener`, `route`, `endpoint`, `extensionconfig`, or a kind of ambient's. */
  kind: string;
  /** The nonce of what was sent last; '' when nothing was. */
  sent: string;
  /** The nonce of what the proxy has taken; '' when nothing was. */
  acked: string;
  /** Why it refused the last; '' when it did not. From 1.24 on. */
  error: string;
  /** When it was sent, in milliseconds since 1970; null before 1.24. */
  sentAt: number | null;
}

/** One connected proxy. */
export interface ProxySync {
  /** `POD.NAMESPACE`. */
  proxy: string;
  version: string | null;
  /** Empty where the page names the proxy only (0.8). */
  types: readonly TypeSync[];
}

/** As istioctl judges it, in every release (guide.md b, B4). */
export type SyncState = 'synced' | 'not sent' | 'stale' | 'error';

export function stateOf({ sent, acked, error }: TypeSync): SyncState {
  if (error !== '') return 'error';
  if (sent === '') return 'not sent';
  return sent === acked ? 'synced' : 'stale';
}

/** One kind of configuration of one proxy. */
export interface Found {
  proxy: string;
  type: TypeSync;
}

/** Each kind of configuration of these proxies that is in this state. */
export const foundIn = (proxies: readonly ProxySync[], state: SyncState): readonly Found[] =>
  proxies.flatMap(({ proxy, types }) =>
    types.filter((type) => stateOf(type) === state).map((type) => ({ proxy, type })),
  );

/** As long as this a proxy may take to answer (ms). */
const PROMPT = 60_000;

/** Whether an answer has been owed for so long that it will not come by itself. */
export const isLate = (type: TypeSync, now: number): boolean =>
  stateOf(type) === 'stale' && type.sentAt !== null && now - type.sentAt > PROMPT;

/** Whether a proxy has not taken its newest routes, and Pilot does not say whether it refused them: before 1.24. */
export const isOwed = (type: TypeSync): boolean =>
  type.kind === 'route' && type.sentAt === null && stateOf(type) === 'stale';

interface RawSync {
  proxy?: unknown;
  proxy_type?: unknown;
  istio_version?: unknown;
  proxy_version?: unknown;
  resources?: Record<string, { sent?: string; acked?: string; sentTime?: string; lastError?: string } | null> | null;
  [field: string]: unknown;
}

const KINDS = ['cluster', 'listener', 'route', 'endpoint', 'extensionconfig'] as const;

/**
 * What a proxy says of a resource that it refuses. Envoys of today print the resource before it: of that its name stays, and
 * that of the virtual host that is meant; of a chain of causes the last.
 */
export function refusalIn(error: string): string {
  const at = error.lastIndexOf('\n: ');
  if (at < 0) return error.trim();
  const resource = error.slice(0, at);
  const chain = error.slice(at + 3).trim();
  const [, name] = /^name: "([^"]*)"/m.exec(resource) ?? [];
  const hosts = [...resource.matchAll(/^virtual_hosts \{\n {2}name: "([^"]*)"/gm)].map(([, host]) => host);
  const [, index] = /VirtualHosts\[(\d+)\]/.exec(chain) ?? [];
  const cause = chain.split(' | caused by ');
  const last = cause.length > 1 ? (cause.at(-1) ?? '').replace(/\)$/, '') : chain;
  // Routes of a port whose protocol is detected have their host's name.
  const named = new Set([name, index === undefined ? undefined : hosts[Number(index)], last]);
  return [...named].filter((each) => each !== undefined).join(': ');
}

/** `type.googleapis.com/envoy.config.cluster.v3.Cluster` as `cluster`. */
function kindOf(url: string): string {
  const name = url.split('.').at(-1) ?? url;
  if (name === 'ClusterLoadAssignment') return 'endpoint';
  if (name === 'RouteConfiguration') return 'route';
  return name.toLowerCase();
}

function typesOf(raw: RawSync): readonly TypeSync[] {
  if (raw.resources && typeof raw.resources === 'object') {
    return Object.entries(raw.resources).map(([url, each]) => ({
      kind: kindOf(url),
      sent: text(each?.sent),
      acked: text(each?.acked),
      error: refusalIn(text(each?.lastError)),
      sentAt: Date.parse(text(each?.sentTime)) || null,
    }));
  }
  // Before 1.24 nothing is told of ztunnel, which has no clusters and no listeners.
  if (raw.proxy_type === 'ztunnel') return [];
  return KINDS.filter((kind) => `${kind}_sent` in raw || `${kind}_acked` in raw || kind !== 'extensionconfig').map(
    (kind) => ({
      kind,
      sent: text(raw[`${kind}_sent`]),
      acked: text(raw[`${kind}_acked`]),
      error: '',
      sentAt: null,
    }),
  );
}

/** A node of 0.8's adsz: `"node": "sidecar~10.1.0.3~productpage-1.default~default.svc.cluster.local-4"`. */
const NODE = /"node": *"(?:sidecar|router|ingress)~[^~"]*~([^~"]+)~[^"]*"/g;

/** What Pilot calls the proxy of a pod. */
export const proxyNamed = ({ name, namespace }: Named): string => `${name}.${namespace}`;

/** The pod and the namespace of a proxy: a pod's name may hold dots, a namespace's none. */
export function podOfProxy(proxy: string): { pod: string; namespace: string } {
  const dot = proxy.lastIndexOf('.');
  return { pod: proxy.slice(0, dot), namespace: proxy.slice(dot + 1) };
}

/** The proxies that `/debug/syncz` tells of, or 0.8's `/debug/adsz`; null when the page is neither. */
export function syncIn(page: string, isAdsz: boolean): readonly ProxySync[] | null {
  if (isAdsz) {
    if (!/^\s*[[{]/.test(page)) return null;
    const names = new Set([...page.matchAll(NODE)].map(([, name = '']) => name));
    return [...names].map((proxy) => ({ proxy, version: null, types: [] }));
  }
  const synced = listOf(page) as readonly RawSync[] | null;
  if (synced === null) return null;
  return synced.map((raw) => ({
    proxy: text(raw.proxy),
    version: text(raw.istio_version) || text(raw.proxy_version) || null,
    types: typesOf(raw),
  }));
}
