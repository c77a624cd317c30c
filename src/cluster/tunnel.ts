import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type Patience, within } from './deadline.ts';
import { quote } from './http.ts';

/** A port of a pod. */
export interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/** The API server, or something on the way to it, did not open the tunnel: another way may lead to the pod. */
export class TunnelRefused extends Error {
  /** HTTP's, of the answer in its place; 0 where the connection broke. */
  readonly status: number;
  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** The kubelet's own words about a connection to a pod that could not be had, or broke. */
export class TunnelBroke extends Error {}

/** Of the channels of a port: its bytes, and what the kubelet says of it. */
const DATA = 0;
const ERROR = 1;

/**
 * One connection to a port of a pod: the WebSocket form of a port-forward, which kubelets speak since Kubernetes 1.6,
 * through the socket of `kubectl proxy`. No kubectl process of its own, no local port, and the login of the gateway.
 * Rejects with TunnelRefused or Overdue.
 */
export async function openTunnel(
  socketPath: string,
  { namespace, pod, port }: PodPort,
  patience: Patience,
): Promise<Duplex> {
  const { WebSocket } = await import('ws');
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`;
  const socket = new WebSocket(`ws://localhost${path}`, 'v4.channel.k8s.io', {
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  const opened = new Promise<Duplex>((resolve, reject) => {
    socket.once('open', () => resolve(streamOf(socket)));
    socket.once('unexpected-response', (_, response) => {
      void quote(response).then((words) => reject(new TunnelRefused(response.statusCode ?? 0, words)));
    });
    // Stays: a socket that breaks later must not become an unhandled 'error' event; its 'close' tells the stream.
    socket.on('error', (error) => reject(new TunnelRefused(0, error.message)));
  });
  try {
    return await within(patience, opened);
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** The bytes of the one port that was asked for. Destroyed with TunnelBroke when the kubelet reports an error. */
function streamOf(socket: WebSocket): Duplex {
  const opened = new Set<number>();
  let words = '';
  const stream = new Duplex({
    read: () => socket.resume(),
    // A socket that is closing says so at its 'close', with the kubelet's words.
    write: (chunk: Buffer, _, done) => socket.send(Buffer.concat([Buffer.from([DATA]), chunk]), () => done()),
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  // Whoever reads hears of it; after the answer nobody does, and it must not end the process.
  stream.on('error', () => undefined);
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? ERROR;
    // The first message of each channel only repeats the port.
    if (!opened.has(channel)) opened.add(channel);
    else if (channel === ERROR) words += message.subarray(1).toString('utf8');
    else if (!stream.push(message.subarray(1))) socket.pause();
  });
  socket.once('close', () => {
    if (words === '') stream.push(null);
    else stream.destroy(new TunnelBroke(words.trim()));
  });
  return stream;
}
