import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { until } from './children.ts';

/** What a proxy tells of itself when it connects. */
export interface AdsProxy {
  kind: 'sidecar' | 'router' | 'waypoint' | 'ztunnel';
  pod: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  version: string;
  ip: string;
  /** Of a ztunnel. */
  node?: string;
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

/** What each kind of proxy of an ambient mesh asks for: ztunnel's src/config.rs, and a waypoint's Envoy. */
const TYPES = {
  ztunnel: ['type.googleapis.com/istio.workload.Address', 'type.googleapis.com/istio.security.Authorization'],
  waypoint: ['type.googleapis.com/envoy.config.cluster.v3.Cluster', LISTENERS],
};

function nodeOf({ kind, pod, namespace, labels, version, ip, node }: AdsProxy): Buffer {
  // What ztunnel's src/xds/client.rs says of itself, beside what its chart has in ISTIO_META_.
  const ztunnel = { NAME: pod, NAMESPACE: namespace, INSTANCE_IPS: ip, NODE_NAME: node ?? '', ENABLE_HBONE: 'true' };
  // Who has no PROXY_CONFIG is none to istioctl.
  const envoy = { NAMESPACE: namespace, LABELS: { ...labels }, INTERCEPTION_MODE: 'REDIRECT', PROXY_CONFIG: {} };
  return Buffer.concat([
    field(1, `${kind}~${ip}~${pod}.${namespace}~${namespace}.svc.cluster.local`),
    field(2, `${pod}.${namespace}`),
    field(3, struct({ ...(kind === 'ztunnel' ? ztunnel : envoy), ISTIO_VERSION: version, CLUSTER_ID: 'Kubernetes' })),
  ]);
}

/** A message in the frame of gRPC. */
function framed(...fields: readonly Buffer[]): Buffer {
  const message = Buffer.concat(fields);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The whole messages at the start of what has been received, and what is left. */
function messagesIn(received: Buffer): { messages: readonly Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let at = 0;
  while (received.length >= at + 5 && received.length >= at + 5 + received.readUInt32BE(at + 1)) {
    const end = at + 5 + received.readUInt32BE(at + 1);
    messages.push(received.subarray(at + 5, end));
    at = end;
  }
  return { messages, rest: received.subarray(at) };
}

/** The fields of a message that have a length, the last of each number. */
function fieldsIn(message: Buffer): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte <= 127) return value;
    }
  };
  while (at < message.length) {
    const key = number();
    const value = number();
    // What is no number has its length first: a DeltaDiscoveryResponse has no others.
    if ((key & 7) !== 2) continue;
    fields.set(key >>> 3, message.subarray(at, at + value));
    at += value;
  }
  return fields;
}

/** Proxies that ask for their configuration, and do nothing with it: to istiod they are connected. */
export interface Proxies {
  /** One that asks for its listeners, and never says that it has taken them. */
  add(proxy: AdsProxy): void;
  /** A ztunnel or a waypoint that asks as the real one does, and says that it takes what it is sent, or why not. */
  addAcknowledging(proxy: AdsProxy & { kind: keyof typeof TYPES }, refuses?: string): Acknowledging;
  close(): void;
}

export interface Acknowledging {
  /** Ends its connection. */
  leave(): void;
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
  const call = (method: string): ClientHttp2Stream => {
    if (session === undefined) throw new Error('istiod takes no proxies');
    const stream = session.request({
      ':method': 'POST',
      ':path': `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    return stream.on('error', () => undefined);
  };
  return {
    add(proxy) {
      // A DiscoveryRequest.
      call('StreamAggregatedResources')
        .resume()
        .write(framed(field(2, nodeOf(proxy)), field(4, LISTENERS)));
    },
    addAcknowledging(proxy, refuses) {
      const stream = call('DeltaAggregatedResources');
      let received: Buffer = Buffer.alloc(0);
      stream.on('data', (chunk: Buffer) => {
        const { messages, rest } = messagesIn(Buffer.concat([received, chunk]));
        received = rest;
        for (const message of messages) {
          // Of a DeltaDiscoveryResponse the type and the nonce, of the request the same.
          const fields = fieldsIn(message);
          const error = refuses === undefined ? [] : [field(7, field(2, refuses))];
          stream.write(framed(field(2, fields.get(4) ?? ''), field(6, fields.get(5) ?? ''), ...error));
        }
      });
      for (const type of TYPES[proxy.kind]) stream.write(framed(field(1, nodeOf(proxy)), field(2, type)));
      return { leave: () => stream.close() };
    },
    close: () => session?.destroy(),
  };
}
