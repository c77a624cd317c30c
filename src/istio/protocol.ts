import { isAtLeast } from './release.ts';

/** What of a Service's port tells its protocol. */
export interface Port {
  name: string | null;
  port: number;
  /** `TCP`, `UDP`. */
  protocol: string;
  appProtocol: string | null;
}

/** What Istio takes a port of a Service for. */
export interface Protocol {
  /** `HTTP`, `HTTP2`, `GRPC`, `TCP`, `HTTPS`…; `detected` where the proxy looks at what is sent. */
  name: string;
  /** Whether route rules for HTTP work: 'maybe' where it is detected. */
  http: 'yes' | 'no' | 'maybe';
  /** Where it comes from. */
  by: 'name' | 'appProtocol' | 'default' | 'port';
}

const HTTP = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'];

/** Prefixes of a port's name by the release that first knew them (guide.md a; 1.0 tls, 1.1 grpc-web and mysql). */
const PREFIXES: readonly (readonly [string, string])[] = [
  ['tcp', '0.0'],
  ['udp', '0.0'],
  ['grpc', '0.0'],
  ['http', '0.0'],
  ['http2', '0.0'],
  ['https', '0.0'],
  ['mongo', '0.0'],
  ['redis', '0.0'],
  ['tls', '1.0'],
  ['grpc-web', '1.1'],
  ['mysql', '1.1'],
];

/** Of Kubernetes' own, by the release that first knew them. */
const APP_PROTOCOLS: Readonly<Record<string, string>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
};

/** Server speaks first there: what is sent is not looked at (1.3 and newer). */
const SERVER_FIRST = [25, 53, 3306, 27017];

const protocol = (name: string, by: Protocol['by']): Protocol => ({
  name,
  http: HTTP.includes(name) ? 'yes' : 'no',
  by,
});

/** What a name's prefix says to the release that runs; null when it says nothing. */
function named(name: string, knows: (release: string) => boolean): string | null {
  const lower = name.toLowerCase();
  const known = PREFIXES.filter(([, since]) => knows(since)).map(([prefix]) => prefix);
  if (known.includes('grpc-web') && /^grpc-web(-|$)/.test(lower)) return 'GRPC-WEB';
  const prefix = lower.split('-', 1)[0] ?? '';
  return known.includes(prefix) ? prefix.toUpperCase() : null;
}

/** What the release takes a TCP port for, by its name, its appProtocol, or what is sent (guide.md a, the table). */
export function protocolOf(port: Port, version: string | null): Protocol {
  const knows = (release: string): boolean => version === null || isAtLeast(version, release);
  if (port.protocol !== 'TCP') return protocol('UDP', 'default');
  // Once it is there the name says nothing, also where what it says is not known.
  const isOwn = knows('1.6') && port.appProtocol !== null;
  const by = isOwn ? 'appProtocol' : 'name';
  const word = (isOwn ? port.appProtocol : port.name) ?? '';
  const kubernetes = isOwn && knows('1.20') ? APP_PROTOCOLS[word.toLowerCase()] : undefined;
  const told = kubernetes ?? named(word, knows);
  // Up to 1.2 a TCP port that is called UDP is TCP; since, nobody serves it.
  if (told !== null) return told === 'UDP' && !knows('1.3') ? protocol('TCP', by) : protocol(told, by);
  if (!knows('1.3')) return protocol('TCP', 'default');
  if (SERVER_FIRST.includes(port.port)) return protocol('TCP', 'port');
  return { name: 'detected', http: 'maybe', by: 'default' };
}

/** Whether rules for HTTP are about a port of a ServiceEntry: what names no protocol that is known is looked at (pkg/config/protocol/instance.go, Parse). */
export const mayBeHttp = (protocol: string): boolean =>
  !['TCP', 'UDP', 'TLS', 'HTTPS', 'MONGO', 'REDIS', 'MYSQL', 'HBONE'].includes(protocol.toUpperCase());

/** Whether a port's name was meant to say HTTP, and does not: `http2foo`, `httpport2`, `http_web`. */
export const isNearMiss = ({ name }: Port): boolean => /^(http|grpc)/i.test(name ?? '');
