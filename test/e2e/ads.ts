import { type ClientHttp2Session, connect } from 'node:http2';
import { until } from './children.ts';

/** What a proxy tells of itself when it connects. */
export interface AdsProxy {
  kind: 'sidecar' | 'router' | 'waypoint';
  pod: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  version: string;
  ip: string;
}

/** A field of a protobuf message that has a length. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

type Value = string | { [name: string]: Value };

/** A google.protobuf.Struct. */
const struct = (value: { [name: string]: Value }): Buffer =>
  Buffer.concat(
    Object.entries(value).map(([name, each]) => {
      const content = typeof each === 'string' ? field(3, each) : field(5, struct(each));
      return field(1, Buffer.concat([field(1, name), field(2, content)]));
    }),
  );

const LISTENERS = 'type.googleapis.com/envoy.config.listener.v3.Listener';

/** A DiscoveryRequest for all listeners, in the frame of gRPC. */
function request({ kind, pod, namespace, labels, version, ip }: AdsProxy): Buffer {
  const node = Buffer.concat([
    field(1, `${kind}~${ip}~${pod}.${namespace}~${namespace}.svc.cluster.local`),
    field(2, `${pod}.${namespace}`),
    field(
      3,
      struct({
        NAMESPACE: namespace,
        LABELS: { ...labels },
        ISTIO_VERSION: version,
        CLUSTER_ID: 'Kubernetes',
        INTERCEPTION_MODE: 'REDIRECT',
      }),
    ),
  ]);
  const message = Buffer.concat([field(2, node), field(4, LISTENERS)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Proxies that ask for their listeners, and do nothing with them: to istiod they are connected. */
export interface Proxies {
  add(proxy: AdsProxy): void;
  close(): void;
}

const connected = (port: number): Promise<ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`, () => resolve(session));
    session.on('error', reject);
  });

/** Connects to where istiod takes proxies without TLS: it listens there a moment after it is ready. */
export async function connectProxies(port: number): Promise<Proxies> {
  let session: ClientHttp2Session | undefined;
  await until(
    async () => {
      session = await connected(port).catch(() => undefined);
      return session !== undefined;
    },
    10,
    () => 'istiod takes no proxies',
  );
  return {
    add(proxy) {
      const stream = session?.request({
        ':method': 'POST',
        ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream?.on('error', () => undefined).resume();
      stream?.write(request(proxy));
    },
    close: () => session?.destroy(),
  };
}
